"""Firmware over image transfer: blocks, losses, verification, activation, and going on where it stopped."""

import asyncio
from datetime import timedelta

import pytest

from meterkit import ErrorKind
from meterkit.codec import axdr
from meterkit.dlms.cosem.composite_types import type_of
from meterkit.dlms.cosem.push_and_image import (
    ImageToActivate,
    ImageToTransfer,
    ImageTransfer,
    ImageTransferStatus,
)
from meterkit.dlms.duties.firmware_status import FirmwarePhase
from meterkit.dlms.readings.object_cache import MemoryObjectCache
from meterkit.emulator.dlms import DlmsEmulatorConfiguration, DlmsMeterEmulator
from meterkit.emulator.dlms.cosem_object import Attribute, fixed
from tests.dlms.rig import NOW, connected, line
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

IMAGE = bytes(range(256)) * 4 + b"the end"
BLOCKS = 9  # of 128 octets, the last one of 7
NAME = b"MKT-2.0"
INITIATE, BLOCK, VERIFY, ACTIVATE = (bytes.fromhex(f"001200002c0000ff0{n}") for n in (1, 2, 3, 4))
Status = ImageTransferStatus


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def meter(**image):
    """Return a meter whose clock goes with the loop's."""

    def now():
        return NOW + timedelta(seconds=asyncio.get_running_loop().time())

    return DlmsMeterEmulator(DlmsEmulatorConfiguration(image=image), clock=now)


def sent(wire, method):
    """Count how often a method was asked for."""
    return sum(octets[8] == 0xC3 and octets[11:20] == method for _, octets in wire.log)


async def test_an_image_goes_over_block_by_block_is_verified_and_waits():
    emulator, phases = meter(), []
    async with connected(emulator, manager=True) as (client, wire):
        report = (await client.update_firmware(IMAGE, NAME, progress=phases.append)).unwrap()
        status = (await client.firmware_status()).unwrap()

    assert (report.blocks, report.blocks_sent, report.is_activated) == (BLOCKS, BLOCKS, False)
    assert report.status is status.status is Status.VERIFICATION_SUCCESSFUL
    assert [one.image_to_activate_identification for one in report.images] == [NAME]
    assert emulator.device.duties.image_transfer.image == IMAGE
    assert emulator.device.duties.firmware != NAME
    assert sent(wire, ACTIVATE) == 0
    assert (status.block_size, status.first_missing_block, str(status.blocks)) == (128, BLOCKS, "1" * BLOCKS)
    told = [one.octets for one in phases]
    assert told == sorted(told)
    assert told[-1] == len(IMAGE)
    assert [*dict.fromkeys(one.phase for one in phases)] == [
        FirmwarePhase.PREPARING,
        FirmwarePhase.TRANSFERRING,
        FirmwarePhase.CHECKING,
        FirmwarePhase.VERIFYING,
        FirmwarePhase.DONE,
    ]


async def test_blocks_that_the_meter_lacks_are_sent_again_and_no_others():
    emulator = meter()
    emulator.faults.lost_image_blocks = frozenset({2, 8})
    async with connected(emulator, manager=True) as (client, wire):
        report = (await client.update_firmware(IMAGE, NAME)).unwrap()

    assert report.blocks_sent == sent(wire, BLOCK) == BLOCKS + 2
    assert emulator.device.duties.image_transfer.image == IMAGE


async def test_an_activated_image_is_the_firmware_that_runs():
    emulator = meter()
    async with connected(emulator, manager=True) as (client, wire):
        report = (await client.update_firmware(IMAGE, "MKT-2.0", activate=True)).unwrap()
        firmware = (await client.identity()).unwrap().firmware

    assert report.is_activated
    assert report.status is Status.ACTIVATION_SUCCESSFUL
    assert firmware == "MKT-2.0"
    assert sent(wire, ACTIVATE) == 1


async def test_what_takes_its_time_is_asked_about_and_never_asked_for_again():
    emulator = meter(verification_time=42.0, activation_time=17.0)
    async with connected(emulator, manager=True) as (client, wire):
        report = (await client.update_firmware(IMAGE, NAME, activate=True)).unwrap()

    assert report.is_activated
    assert sent(wire, VERIFY) == sent(wire, ACTIVATE) == sent(wire, INITIATE) == 1
    assert emulator.device.duties.firmware == NAME


@pytest.mark.parametrize("patience", [-1.0, float("nan")])
async def test_a_patience_that_would_never_end_is_refused_before_anything_is_sent(patience):
    async with connected(meter(), manager=True) as (client, wire):
        with pytest.raises(ValueError, match="0 s or more expected"):
            await client.update_firmware(IMAGE, NAME, patience=patience)

    assert sent(wire, INITIATE) == 0


async def test_patience_ends_and_another_run_goes_on_waiting():
    emulator = meter(verification_time=60.0)
    async with connected(emulator, manager=True) as (client, wire):
        late = await client.update_firmware(IMAGE, NAME, patience=20.0)
        report = (await client.update_firmware(IMAGE, NAME, resume=True)).unwrap()

    assert late.error.kind is ErrorKind.TIMEOUT
    assert "verification-initiated (2)" in late.error.message
    assert not late.error.has_ended_session
    assert report.status is Status.VERIFICATION_SUCCESSFUL
    assert report.blocks_sent == 0
    assert sent(wire, VERIFY) == sent(wire, INITIATE) == 1


async def test_an_image_that_the_meter_finds_wrong_is_not_activated():
    emulator = meter()
    emulator.faults.bad_images = 1
    async with connected(emulator, manager=True) as (client, wire):
        wrong = await client.update_firmware(IMAGE, NAME, activate=True)

    assert wrong.error.kind is ErrorKind.REFUSED
    assert "18/0-0:44.0.0*255/3" in str(wrong.error)
    assert sent(wire, ACTIVATE) == 0


async def test_a_slow_meter_that_finds_the_image_wrong_says_so_by_its_status():
    emulator = meter(verification_time=12.0)
    emulator.faults.bad_images = 1
    async with connected(emulator, manager=True) as (client, _):
        wrong = await client.update_firmware(IMAGE, NAME)

    assert wrong.error.kind is ErrorKind.REFUSED
    assert "verification-failed (4)" in wrong.error.message


async def test_after_a_lost_session_only_what_is_missing_is_sent():
    emulator = meter()
    wire = line(emulator)
    async with connected(emulator, wire=wire, manager=True) as (client, _):

        def cut(progress):
            if progress.blocks == 4:
                emulator.faults.silent = True

        lost = await client.update_firmware(IMAGE, NAME, progress=cut)
        assert lost.error.has_ended_session
        assert "block 4 of 9" in str(lost.error)
        emulator.faults.silent = False
        (await client.connect()).unwrap()
        report = (await client.update_firmware(IMAGE, NAME, resume=True)).unwrap()

    # Nobody knows whether a block without an answer arrived; the meter does.
    assert report.blocks_sent in (BLOCKS - 4, BLOCKS - 5)
    assert sent(wire, INITIATE) == 1
    assert emulator.device.duties.image_transfer.image == IMAGE


async def test_another_image_than_the_one_begun_is_not_mixed_with_it():
    emulator = meter()
    async with connected(emulator, manager=True) as (client, wire):
        transfer = ImageTransfer("0-0:44.0.0")
        (await client.call(transfer.image_transfer_initiate, ImageToTransfer(b"other", 128 * 40))).unwrap()
        mixed = await client.update_firmware(IMAGE, NAME, resume=True)

    assert mixed.error.kind is ErrorKind.STATE
    assert "waits for 40 blocks, this image has 9" in mixed.error.message
    assert sent(wire, BLOCK) == 0


async def test_an_activation_whose_answer_is_lost_is_not_asked_for_again():
    emulator = meter()

    def cut(progress):
        if progress.phase is FirmwarePhase.ACTIVATING:
            emulator.faults.unanswered = 1

    async with connected(emulator, manager=True) as (client, wire):
        # the look at image_to_activate_info comes before; the activation is what goes unanswered
        lost = await client.update_firmware(IMAGE, NAME, activate=True, progress=cut)
        assert lost.error.has_ended_session
        assert "outcome not known" in str(lost.error)
        emulator.faults.unanswered = 0
        (await client.connect()).unwrap()
        report = (await client.update_firmware(IMAGE, NAME, activate=True, resume=True)).unwrap()

    assert report.is_activated
    assert sent(wire, ACTIVATE) == 1


async def test_transfers_that_are_not_enabled_are_told_before_anything_is_sent():
    async with connected(meter(is_enabled=False), manager=True) as (client, wire):
        refused = await client.update_firmware(IMAGE, NAME)

    assert refused.error.kind is ErrorKind.STATE
    assert "image_transfer_enabled (attribute 5) is false" in refused.error.message
    assert sent(wire, INITIATE) == 0


async def test_a_client_without_the_right_is_told_the_meters_no():
    async with connected(meter()) as (client, wire):
        refused = await client.update_firmware(IMAGE, NAME)

    assert refused.error.code == 3
    assert sent(wire, INITIATE) == 1
    assert sent(wire, BLOCK) == 0


@pytest.mark.parametrize("image", [b"", 7])
async def test_what_is_no_image_is_the_programmers_mistake(image):
    async with connected(meter(), manager=True) as (client, _):
        with pytest.raises((ValueError, TypeError)):
            await client.update_firmware(image, NAME)


async def test_a_meter_that_never_keeps_a_block_is_given_up():
    emulator = meter()

    def lose(_):
        emulator.faults.lost_image_blocks = frozenset({3})

    async with connected(emulator, manager=True) as (client, wire):
        given_up = await client.update_firmware(IMAGE, NAME, progress=lose)

    assert given_up.error.kind is ErrorKind.PROTOCOL
    assert "1 of 9 blocks are missing although they were sent: 3" in given_up.error.message
    assert sent(wire, BLOCK) == BLOCKS + 1
    assert emulator.device.duties.image_transfer.status is Status.INITIATED


async def test_new_firmware_makes_a_kept_view_old():
    emulator, kept = meter(), MemoryObjectCache()
    async with connected(emulator, manager=True) as (client, wire):
        await client.objects(kept)
        before = len(wire.log)
        await client.objects(kept)
        assert len(wire.log) == before + 1
        (await client.update_firmware(IMAGE, NAME, activate=True)).unwrap()
        before = len(wire.log)
        await client.objects(kept)
        assert len(wire.log) > before + 1


async def ready(client):
    """Bring an image into the meter, up to its verification."""
    (await client.update_firmware(IMAGE, NAME)).unwrap()


def hide(emulator, *indices):
    for index in indices:
        emulator.device.duties.image_transfer.object.attributes[index] = Attribute(None)


async def test_a_verified_image_that_is_not_named_is_known_by_its_blocks():
    emulator = meter()
    async with connected(emulator, manager=True) as (client, wire):
        await ready(client)
        hide(emulator, 7)
        report = (await client.update_firmware(IMAGE, NAME, activate=True, resume=True)).unwrap()

    assert (report.blocks_sent, report.is_activated, report.images) == (0, True, None)
    assert sent(wire, INITIATE) == 1


async def test_another_image_that_is_ready_is_not_taken_for_this_one():
    emulator = meter()
    async with connected(emulator, manager=True) as (client, wire):
        await ready(client)
        report = (await client.update_firmware(IMAGE, b"MKT-3.0", activate=True, resume=True)).unwrap()

    assert report.blocks_sent == BLOCKS
    assert sent(wire, INITIATE) == 2
    assert emulator.device.duties.firmware == b"MKT-3.0"


async def test_an_activation_of_nobody_knows_what_is_not_taken_for_this_one():
    emulator = meter()
    async with connected(emulator, manager=True) as (client, wire):
        await ready(client)
        hide(emulator, 3, 7)
        since = len(wire.log)
        unknown = await client.update_firmware(IMAGE, NAME, activate=True, resume=True)
        del wire.log[:since]

    assert unknown.error.kind is ErrorKind.STATE
    assert "does not tell of which image" in unknown.error.message
    assert sent(wire, ACTIVATE) == sent(wire, INITIATE) == 0


async def test_a_meter_that_would_activate_another_image_is_not_asked_to():
    emulator = meter()
    transfer = emulator.device.duties.image_transfer.object
    other = type_of(ImageToActivate).encode(ImageToActivate(7, b"other", b""))
    transfer.attributes[7] = fixed(axdr.encode_array([other]))
    async with connected(emulator, manager=True) as (client, wire):
        refused = await client.update_firmware(IMAGE, NAME, activate=True)

    assert refused.error.kind is ErrorKind.STATE
    assert f"not activated: it would be {b'other'.hex()} (hex)" in refused.error.message
    assert sent(wire, ACTIVATE) == 0


async def test_a_meter_that_does_not_tell_its_blocks_is_believed_block_by_block():
    emulator = meter()
    hide(emulator, 3, 4)
    async with connected(emulator, manager=True) as (client, wire):
        report = (await client.update_firmware(IMAGE, NAME)).unwrap()

    assert (report.blocks_sent, sent(wire, BLOCK)) == (BLOCKS, BLOCKS)


async def test_a_meter_that_tells_its_first_missing_block_only_gets_all_from_there():
    emulator = meter()
    hide(emulator, 3)
    emulator.faults.lost_image_blocks = frozenset({6})
    async with connected(emulator, manager=True) as (client, _):
        report = (await client.update_firmware(IMAGE, NAME)).unwrap()

    assert report.blocks_sent == BLOCKS + 3
    assert emulator.device.duties.image_transfer.image == IMAGE


async def test_a_block_size_that_is_none_is_told():
    emulator = meter()
    emulator.device.duties.image_transfer.object.attributes[2] = fixed(axdr.encode_double_long_unsigned(0))
    async with connected(emulator, manager=True) as (client, wire):
        refused = await client.update_firmware(IMAGE, NAME)

    assert refused.error.kind is ErrorKind.PROTOCOL
    assert "image_block_size (attribute 2): 0 came" in refused.error.message
    assert sent(wire, INITIATE) == 0


@pytest.mark.parametrize("interface", ["hdlc", "wrapper"])
async def test_blocks_longer_than_a_pdu_and_short_names_do_too(interface):
    emulator = DlmsMeterEmulator(
        DlmsEmulatorConfiguration(
            interface=interface,
            short_name_referencing=interface == "wrapper",
            max_pdu=200,
            image={"block_size": 500},
        ),
        clock=lambda: NOW,
    )
    async with connected(emulator, manager=True) as (client, _):
        report = (await client.update_firmware(IMAGE, NAME, activate=True)).unwrap()

    assert report.blocks == 3
    assert emulator.device.duties.image_transfer.image == IMAGE
    assert emulator.device.duties.firmware == NAME
