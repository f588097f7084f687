"""Rotation of keys: what is kept before, between and after; cut off anywhere, nothing is lost."""

import stat
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretBytes

from meterkit import Err, ErrorKind, MeterError, Ok
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.refusals import exception
from meterkit.dlms.secured.counter_store import MemoryCounterStore
from meterkit.dlms.secured.key_file import SectionChange, change_key_file
from meterkit.dlms.secured.key_fingerprint import fingerprint
from meterkit.dlms.secured.key_vault import FileVault, KeyringVault, KeyVault
from meterkit.dlms.secured.rotation import RotationOutcome, RotationStep, plan_rotation, rotate_keys
from meterkit.dlms.security import KeyKind, SecuritySuite
from meterkit.errors import ProtocolFault
from tests.dlms.rig import line
from tests.dlms.security_rig import keys, secured_meter, secured_options
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

UNICAST, AUTHENTICATION = KeyKind.GLOBAL_UNICAST_ENCRYPTION, KeyKind.AUTHENTICATION
MASTER = KeyKind.MASTER
KINDS = (UNICAST, AUTHENTICATION)
MASTER_KEY = bytes(range(0x40, 0x50))
METER = "4D4B540001352881"
NEW = {UNICAST: b"\x11" * 16, AUTHENTICATION: b"\x22" * 16}


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def key_file(tmp_path, text=""):
    path = tmp_path / "keys.toml"
    encryption, authentication = keys()
    path.write_text(
        text
        or f"""# ours
[default]
master = "{MASTER_KEY.hex()}"

[{METER}]  # the one in the cellar
encryption = "{encryption.hex()}"
authentication = "{authentication.hex()}"  # since 2024

# the next one
[other]
encryption = "text:0123456789abcdef"
"""
    )
    path.chmod(0o600)
    return path


class FakeKeyring:
    """The keyring module's three functions."""

    def __init__(self):
        self.kept = {}

    def get_password(self, service, user):
        return self.kept.get((service, user))

    def set_password(self, service, user, written):
        self.kept[service, user] = written

    def delete_password(self, service, user):
        del self.kept[service, user]


@pytest.fixture(params=["file", "keyring"])
def vault(request, tmp_path, monkeypatch):
    """A vault with the meter's keys, in a file or in a keyring."""
    if request.param == "file":
        return FileVault(key_file(tmp_path))
    fake = FakeKeyring()
    encryption, authentication = keys()
    for name, key in (("encryption", encryption), ("authentication", authentication)):
        fake.set_password("meterkit", f"{METER}/{name}", key.hex())
    fake.set_password("meterkit", "default/master", MASTER_KEY.hex())
    monkeypatch.setitem(__import__("sys").modules, "keyring", fake)
    return KeyringVault()


class Rig:
    """A meter, and a way to connect to it with keys in place of those in the vault."""

    def __init__(self, vault):
        self.emulator = secured_meter(of_client={"master_key": SecretBytes(MASTER_KEY)})
        self.vault, self.counters = vault, MemoryCounterStore()

    @asynccontextmanager
    async def connect(self, instead):
        key_set = [instead.get(kind) or self.vault.key(METER, kind) for kind in KINDS]
        options = secured_options(self.emulator, key_set=key_set, counters=self.counters)
        async with DlmsClient(line(self.emulator), options) as client:
            connected = await client.connect()
            yield connected if isinstance(connected, Err) else Ok(client)

    async def rotate(self, kinds=KINDS, **changes):
        return await rotate_keys(
            self.connect, self.vault, METER, kinds, suite=SecuritySuite.SUITE_0, **changes
        )

    async def is_read(self):
        async with self.connect({}) as connected:
            return connected.is_success


# ------------------------------------------------------------------ rotation
async def test_new_keys_are_in_the_meter_and_in_the_vault(vault):
    rig, old = Rig(vault), {kind: vault.key(METER, kind) for kind in KINDS}
    done = (await rig.rotate()).unwrap()
    assert done.outcome is RotationOutcome.TRANSFERRED
    fresh = {kind: vault.key(METER, kind) for kind in KINDS}
    assert not set(fresh.values()) & set(old.values())
    assert [(one.old, one.new) for one in done.changes] == [
        (fingerprint(old[kind]), fingerprint(fresh[kind])) for kind in KINDS
    ]
    assert not vault.pending(METER)
    assert await rig.is_read()
    for key in (*old.values(), *fresh.values()):
        assert key.hex() not in repr((done, vault))


async def test_given_keys_are_used(vault):
    rig = Rig(vault)
    (await rig.rotate(given=NEW)).unwrap()
    assert {kind: vault.key(METER, kind) for kind in KINDS} == NEW


async def test_the_master_key_is_changed_and_then_wraps_the_next(vault):
    rig = Rig(vault)
    (await rig.rotate((UNICAST, MASTER))).unwrap()
    assert vault.key(METER, MASTER) != MASTER_KEY
    assert vault.key("another", MASTER) == MASTER_KEY  # the meter has one of its own now
    (await rig.rotate()).unwrap()
    assert await rig.is_read()


@pytest.mark.parametrize("is_taken", [True, False])
async def test_a_rotation_cut_off_after_the_transfer_or_before_goes_on(vault, is_taken):
    rig = Rig(vault)

    if is_taken:
        connect, rig.connect = rig.connect, cut_answers(rig)
        assert (await rig.rotate()).error.kind is ErrorKind.TIMEOUT
        rig.connect = connect
    else:
        vault.begin(METER, NEW)
    pending = dict(vault.pending(METER))
    assert set(pending) == set(KINDS)
    assert plan_rotation(vault, METER, (UNICAST,)).step is RotationStep.RESUME
    done = (await rig.rotate((UNICAST,))).unwrap()  # whatever is asked for: the unfinished change comes first
    assert done.outcome is (RotationOutcome.FOUND if is_taken else RotationOutcome.TRANSFERRED)
    assert {kind: vault.key(METER, kind) for kind in KINDS} == pending
    assert await rig.is_read()


def cut_answers(rig):
    """Connect, and have the answer to the next request lost."""
    whole = rig.connect

    @asynccontextmanager
    async def connect(instead):
        async with whole(instead) as connected:
            rig.emulator.faults.unanswered = 1
            yield connected

    return connect


async def test_a_meter_that_answers_and_keeps_its_keys_is_found_out_and_tried_again(vault):
    rig = Rig(vault)
    rig.emulator.faults.untaken_keys = 1
    error = (await rig.rotate()).error
    assert "stay pending" in error.message
    assert await rig.is_read()  # by the keys in use, which are the old ones
    assert (await rig.rotate()).unwrap().outcome is RotationOutcome.TRANSFERRED
    assert await rig.is_read()


async def test_a_refusal_in_clear_is_no_proof_that_the_meter_has_the_new_keys(vault, monkeypatch):
    rig = Rig(vault)
    rig.emulator.faults.untaken_keys = 1
    refusal = exception(bytes.fromhex("d8 01 03"))  # service-not-allowed, other-reason: from anybody
    read = DlmsClient.read_security_setup

    async def refused(client, setup):
        assert (await read(client, setup)).is_failure  # by keys that the meter does not have
        return Err(refusal)

    monkeypatch.setattr(DlmsClient, "read_security_setup", refused)
    assert "stay pending" in (await rig.rotate()).error.message
    assert set(vault.pending(METER)) == set(KINDS)
    assert await rig.is_read()  # by the keys in use, which are the old ones


async def test_a_master_key_that_was_taken_is_found_by_trying_it(vault):
    rig = Rig(vault)
    connect, rig.connect = rig.connect, cut_answers(rig)
    assert (await rig.rotate((MASTER,))).error.kind is ErrorKind.TIMEOUT
    rig.emulator.faults.unanswered, rig.connect = 0, connect
    (await rig.rotate()).unwrap()
    (await rig.rotate()).unwrap()
    assert await rig.is_read()


async def test_a_refused_rotation_leaves_the_new_keys_pending(vault):
    rig = Rig(vault)
    rig.emulator = secured_meter(of_client={"master_key": SecretBytes(bytes(16))})
    assert (await rig.rotate()).error.kind is ErrorKind.REFUSED
    assert set(vault.pending(METER)) == set(KINDS)
    vault.forget(METER)
    assert not vault.pending(METER)


async def test_neither_keys_work_is_told_with_both_reasons(vault):
    rig = Rig(vault)
    vault.begin(METER, NEW)
    rig.emulator = secured_meter(key_set=keys(salt=30))
    error = (await rig.rotate()).error
    assert error.kind is ErrorKind.SECURITY
    assert "with the keys in use" in error.message
    assert "with the pending ones" in error.message


async def test_a_meter_that_is_not_there_changes_nothing(vault):
    @asynccontextmanager
    async def away(_):
        yield Err(MeterError(ErrorKind.TRANSPORT, "connection refused"))

    for pending in ({}, NEW):
        if pending:
            vault.begin(METER, pending)
        done = await rotate_keys(away, vault, METER, KINDS, suite=SecuritySuite.SUITE_0)
        assert done.error.kind is ErrorKind.TRANSPORT
        assert vault.pending(METER) == pending


async def test_without_a_master_key_nothing_is_begun(tmp_path):
    vault = FileVault(key_file(tmp_path, f'[{METER}]\nencryption = "{bytes(16).hex()}"\n'))
    error = (await Rig(vault).rotate()).error
    assert "no master key" in error.message
    assert not vault.pending(METER)


def test_a_plan_shows_fingerprints_alone_and_changes_nothing(vault):
    plan = plan_rotation(vault, METER, KINDS)
    assert plan.step is RotationStep.ANEW
    assert [one.old for one in plan.changes] == [fingerprint(key) for key in keys()]
    assert all(one.new is None for one in plan.changes)
    assert not vault.pending(METER)
    assert isinstance(vault, KeyVault)
    vault.begin(METER, NEW)
    with pytest.raises(ProtocolFault, match="unfinished"):
        plan_rotation(vault, METER, KINDS, NEW)


async def test_a_client_by_these_keys_tries_the_pending_ones_too(vault):
    emulator = secured_meter(key_set=tuple(NEW.values()))
    vault.begin(METER, NEW)
    changes = {"encryption_key": None, "authentication_key": None, "keys": vault, "meter": METER}
    options = secured_options(emulator, counters=MemoryCounterStore())
    options = options.model_copy(update=changes)
    async with DlmsClient(line(emulator), options) as client:
        (await client.connect()).unwrap()


# ------------------------------------------------------------------ the file
def test_what_else_is_in_the_file_stays_as_it_was_written(tmp_path):
    path = key_file(tmp_path)
    before = path.read_text()
    vault = FileVault(path)
    vault.begin(METER, NEW)
    assert path.read_text().startswith(before.rstrip("\n"))
    vault.finish(METER)
    text = path.read_text()
    for kept in ("# ours", f"[{METER}]  # the one in the cellar", "# the next one", "text:0123456789abcdef"):
        assert kept in text
    assert tomllib.loads(text)[METER] == {
        "encryption": "11" * 16,
        "authentication": "22" * 16,
        "former": dict(zip(("encryption", "authentication"), (key.hex() for key in keys()), strict=True)),
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["keys.toml"]
    vault.finish(METER)  # once more does no harm
    assert path.read_text() == text


def test_a_meter_that_had_the_default_keys_gets_its_own(tmp_path):
    encryption, _ = keys()
    path = key_file(tmp_path, f'[default]\nencryption = "{encryption.hex()}"')
    vault = FileVault(path)
    vault.begin("10.0.0.7:4059", {UNICAST: NEW[UNICAST]})
    vault.finish("10.0.0.7:4059")
    assert vault.key("10.0.0.7:4059", UNICAST) == NEW[UNICAST]
    assert vault.key("another", UNICAST) == encryption


def test_a_new_file_is_for_its_owner_alone(tmp_path):
    path = tmp_path / "new.toml"
    FileVault(path).begin(METER, NEW)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert FileVault(path).pending(METER) == NEW


@pytest.mark.parametrize(
    "text",
    [
        f'{METER} = {{ encryption = "00" }}',
        f'{METER}.pending.encryption = "00"',
        f'[{METER}.pending]\n"encryption" = "00"',
        f"[{METER}.pending]\nencryption = '''\n00'''",
    ],
)
def test_a_file_written_in_another_way_is_refused_and_left_alone(tmp_path, text):
    path = key_file(tmp_path, text)
    with pytest.raises(ProtocolFault) as refused:
        change_key_file(str(path), [SectionChange((METER, "pending"), {"encryption": "11" * 16})])
    assert "line by line" in refused.value.error.message
    assert path.read_text() == text


def test_a_file_that_others_may_read_or_that_is_no_file_is_refused(tmp_path):
    path = key_file(tmp_path)
    path.chmod(0o640)
    with pytest.raises(ProtocolFault, match="others may read it"):
        FileVault(path).begin(METER, NEW)
    with pytest.raises(ProtocolFault, match="directory"):
        FileVault(tmp_path).begin(METER, NEW)
    with pytest.raises(ProtocolFault, match="No such file"):
        FileVault(tmp_path / "nowhere" / "keys.toml").begin(METER, NEW)
    path.chmod(0o600)
    path.write_text("this = is = no toml")
    with pytest.raises(ProtocolFault, match="TOML expected"):
        FileVault(path).pending(METER)
    path.write_text(f"[{METER}.pending]\nencryption = 7")
    with pytest.raises(ProtocolFault, match="hex digits expected"):
        FileVault(path).pending(METER)


def test_a_keyring_that_does_not_open_is_told(monkeypatch):
    class Locked(FakeKeyring):
        def set_password(self, service, user, written):
            raise RuntimeError(f"locked, and here is {written}")

    monkeypatch.setitem(__import__("sys").modules, "keyring", Locked())
    with pytest.raises(ProtocolFault) as refused:
        KeyringVault().begin(METER, NEW)
    assert "11" * 16 not in str(refused.value)
    monkeypatch.setitem(__import__("sys").modules, "keyring", None)
    with pytest.raises(ProtocolFault, match=r"pip install"):
        KeyringVault().pending(METER)


def test_changes_at_once_never_undo_each_other(tmp_path):
    path = key_file(tmp_path)
    meters = [f"{number:016X}" for number in range(24)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda meter: FileVault(path).begin(meter, NEW), meters))
    assert all(FileVault(path).pending(meter) == NEW for meter in meters)


def test_programs_that_change_keys_at_once_never_undo_each_other(tmp_path):
    path = key_file(tmp_path)
    programs = [subprocess.Popen([sys.executable, "-c", _BEGINS, path, name]) for name in "AB"]
    assert [one.wait(120) for one in programs] == [0, 0]
    kept = tomllib.loads(path.read_text())
    assert [len(kept[f"{name}{number}"]) for name in "AB" for number in range(30)] == [1] * 60


async def test_of_two_rotations_of_one_meter_at_once_one_is_refused_before_its_transfer(vault):
    rig = Rig(vault)
    others = dict.fromkeys(KINDS, b"3" * 16)

    @asynccontextmanager
    async def slow(instead):
        async with rig.connect(instead) as connected:
            if not vault.pending(METER):
                vault.begin(METER, others)  # somebody else was faster
            yield connected

    refused = await rotate_keys(slow, vault, METER, KINDS, suite=SecuritySuite.SUITE_0)
    assert refused.error.kind is ErrorKind.SECURITY
    assert "another change" in refused.error.message
    assert others[UNICAST].hex() not in refused.error.message
    assert vault.pending(METER) == others
    assert (await rig.rotate()).unwrap().outcome is RotationOutcome.TRANSFERRED  # theirs goes on
    assert {kind: vault.key(METER, kind) for kind in KINDS} == others


async def test_keys_that_the_meter_took_are_kept_though_somebody_forgot_them_meanwhile(vault):
    rig = Rig(vault)

    @asynccontextmanager
    async def forgotten(instead):
        async with rig.connect(instead) as connected:
            yield connected
        vault.forget(METER)

    (await rotate_keys(forgotten, vault, METER, KINDS, suite=SecuritySuite.SUITE_0)).unwrap()
    assert await rig.is_read()


async def test_a_change_that_somebody_else_finished_meanwhile_is_left_as_it_is(tmp_path):
    vault = FileVault(key_file(tmp_path))
    rig = Rig(vault)

    @asynccontextmanager
    async def finished(instead):
        async with rig.connect(instead) as connected:
            yield connected
        vault.finish(METER)

    (await rotate_keys(finished, vault, METER, KINDS, suite=SecuritySuite.SUITE_0)).unwrap()
    former = tomllib.loads((tmp_path / "keys.toml").read_text())[METER]["former"]
    assert list(former.values()) == [key.hex() for key in keys()]
    assert await rig.is_read()


#: Begins changes of 30 meters, one after another.
_BEGINS = """
import sys
from meterkit.dlms.secured.key_vault import FileVault
from meterkit.dlms.security import KeyKind
for number in range(30):
    FileVault(sys.argv[1]).begin(f"{sys.argv[2]}{number}", {KeyKind.AUTHENTICATION: bytes(16)})
"""
