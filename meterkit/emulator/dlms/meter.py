"""The emulated DLMS meter: its objects, its clock, its clients, its pushes.

emulator = DlmsMeterEmulator(DlmsEmulatorConfiguration(seed=7))
async with serve_tcp(emulator, port=4059) as server:
    print(server.address)                    # dlms+tcp://127.0.0.1:4059
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.apdu.descriptors import AttributeDescriptor
from meterkit.dlms.apdu.notification import DataNotification, EventNotification
from meterkit.dlms.apdu.short_name import InformationReport, VariableName
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.wrapper import WrapperHeader
from meterkit.emulator.dlms.client_security import MeterSecurity
from meterkit.emulator.dlms.cloned.objects import ClonedObjects, configured
from meterkit.emulator.dlms.cloned.telling import push_body, readout
from meterkit.emulator.dlms.configuration import Clearance, DlmsEmulatorConfiguration
from meterkit.emulator.dlms.faults import DlmsFaults
from meterkit.emulator.dlms.logical_device import LogicalDevice
from meterkit.emulator.dlms.object_view import ObjectView
from meterkit.emulator.dlms.quirks import DlmsQuirk
from meterkit.emulator.dlms.session import DlmsMeterSession
from meterkit.emulator.dlms.short_names import ShortNames
from meterkit.emulator.household import Household
from meterkit.emulator.line import LineKind

_LONG_INVOKE_IDS = 1 << 24  # of a long-invoke-id-and-priority
_HIGHEST_BLOCK = 0xFFFF


class DlmsMeterEmulator:
    """One meter that any number of lines may lead to.

    `clock` gives the time of day as an aware datetime; the default is this machine's clock in UTC.
    `household` may be shared by meters that measure the same; the default is one of the meter's own.
    `quirks` and `faults` may be changed at any time and act at once.
    """

    def __init__(
        self,
        configuration: DlmsEmulatorConfiguration | None = None,
        *,
        clock: Callable[[], datetime] | None = None,
        household: Household | None = None,
    ) -> None:
        self.configuration = configured(configuration or DlmsEmulatorConfiguration())
        self.quirks: set[DlmsQuirk] = set(self.configuration.quirks)
        self.faults: DlmsFaults = self.configuration.faults.model_copy()
        self.clock = clock or _utc_now
        self.household = household or Household(self.configuration.seed)
        self.sessions: set[DlmsMeterSession] = set()  #: one for each open line
        #: Told of each push: where the push setup sends it over TCP, and the WRAPPER messages it is.
        self.on_push: list[Callable[[str, bytes], None]] = []
        self._clock_offset = timedelta()
        self._notifications = 0
        self.security = MeterSecurity(self.configuration, self.quirks)
        self.device = LogicalDevice(
            self.configuration,
            self.household,
            self,
            security=self.security,
            is_scaler_denied=lambda: DlmsQuirk.SCALER_DENIED in self.quirks,
            takes_keys=lambda: not self.faults.take("untaken_keys"),
            faults=lambda: self.faults,
            push=self.push,
        )

        self.cloned: ClonedObjects | None = None  #: the objects of a meter file, in place of the household's
        if self.configuration.objects is not None:
            self.cloned = ClonedObjects(self.configuration.objects, self)
            self.device.objects[:] = self.cloned.objects

    def __repr__(self) -> str:
        return f"DlmsMeterEmulator({self.device.name.decode()})"

    # ---------------------------------------------------------------- lines
    @property
    def name(self) -> str:
        """Which meter this is, for messages."""
        return f"emulator {self.configuration.serial_number}"

    def begin_session(self, on_unasked: Callable[[], None]) -> DlmsMeterSession:
        """Return the meter's end of a new line; it calls `on_unasked` when a push waits."""
        session = DlmsMeterSession(self, on_unasked)
        self.sessions.add(session)
        return session

    def forget(self, session: DlmsMeterSession) -> None:
        """Take the news that a line is gone."""
        self.sessions.discard(session)

    def url(self, kind: LineKind, place: str) -> str:
        """Return the address of this meter at a place, such as 127.0.0.1:4059, for `meterkit.connect`."""
        if self.configuration.interface == "wrapper":
            return f"dlms+{kind}://{place}"
        sign_on = "?mode_e=true" if self.configuration.interface == "mode_e" else ""
        return f"dlms+hdlc+{kind}://{place}{sign_on}"

    # ---------------------------------------------------------------- time
    def now(self) -> datetime:
        """Return the time on the meter's clock, UTC."""
        return self.clock().astimezone(UTC) + self._clock_offset

    def set_clock(self, time: datetime) -> None:
        """Let the clock go on from `time`."""
        self._clock_offset = time - self.clock()

    def readout(self) -> list[tuple[ObisCode, int, int, int]]:
        """Return what a data readout shows: OBIS code, value, scaler, unit."""
        return self.device.readout() if self.cloned is None else readout(self.device.objects)

    # ---------------------------------------------------------------- pushes
    def push(self, apdu: bytes | None = None, *, block_size: int | None = None) -> None:
        """Send an APDU unasked on every open line; by default what the push setup says.

        With `block_size` (octets) it goes in unconfirmed general blocks, as Landis+Gyr E450 meters do.
        With `push_security` in the configuration it goes ciphered, and is cut afterwards.
        """
        octets = self.notification() if apdu is None else apdu
        if self.configuration.push_security is not None:
            octets = self.security.seal_push(octets, self.configuration.push_security)
        apdus = [octets] if block_size is None else _in_blocks(octets, block_size)
        for session in list(self.sessions):
            session.push(apdus)
        destination = self.device.push_setup.destination
        if destination is not None and self.on_push:
            device, client = self.configuration.logical_device, self.configuration.push_client
            octets = b"".join(WrapperHeader(device, client, len(one)).encode() + one for one in apdus)
            for take in list(self.on_push):
                take(destination, octets)

    def notification(self) -> bytes:
        """Return what the push setup pushes now: a DataNotification, or with short names a report."""
        if self.configuration.short_name_referencing:
            return self.information_report()
        self._notifications += 1
        time = self.device.local.octets(self.now())
        body = self.device.push_setup.body() if self.cloned is None else push_body(self.device.objects)
        return DataNotification(self._notifications % _LONG_INVOKE_IDS, time, body).encode()

    def event_notification(self, attribute: AttributeDescriptor) -> bytes:
        """Return an EventNotification of an attribute.  Errors: ValueError for one that has no value."""
        value = ObjectView(self.device.objects, Clearance.MANAGER).get(attribute)
        if isinstance(value, bytes):
            return EventNotification(self.device.local.octets(self.now()), attribute, value).encode()
        raise ValueError(f"{attribute}: {value.words}")

    def information_report(self) -> bytes:
        """Return an InformationReport of the clock, with short names."""
        names = ShortNames(self.device.objects)
        clocks = [base for base, one in names.bases.items() if one.class_id == 8]
        value = self._clock_octets()
        time = self.now().strftime("%Y%m%d%H%M%SZ").encode()
        if not clocks:  # a cloned meter without one
            return InformationReport(time, (), ()).encode()
        return InformationReport(time, (VariableName(clocks[0] + 8),), (value,)).encode()

    def _clock_octets(self) -> bytes:
        return b"\x09\x0c" + self.device.local.octets(self.now())


def _in_blocks(apdu: bytes, size: int) -> list[bytes]:
    """Return an APDU in general blocks that nobody confirms."""
    pieces = [apdu[at : at + size] for at in range(0, len(apdu), size)][:_HIGHEST_BLOCK]
    return [
        GeneralBlockTransfer(
            is_last=number == len(pieces),
            is_streaming=number < len(pieces),
            window=0,
            block_number=number,
            block_number_ack=0,
            data=piece,
        ).encode()
        for number, piece in enumerate(pieces, 1)
    ]


def _utc_now() -> datetime:
    return datetime.now(UTC)
