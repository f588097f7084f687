"""Faults a test can order: each is a plain number or switch, counted down as it strikes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from meterkit.psem.services import ResponseCode, ServiceCode

Count = Annotated[int, Field(ge=0)]


def _is_service(name: str) -> str:
    if name not in ServiceCode.__members__:
        raise ValueError(f"no service is called {name}; known: {', '.join(ServiceCode.__members__)}")
    return name


def _is_response(name: str) -> str:
    if name not in ResponseCode.__members__:
        raise ValueError(f"no response is called {name}; known: {', '.join(ResponseCode.__members__)}")
    return name


ServiceName = Annotated[str, AfterValidator(_is_service)]  # as in ServiceCode, such as "NEGOTIATE"
ResponseName = Annotated[str, AfterValidator(_is_response)]  # as in ResponseCode, such as "DEVICE_BUSY"
Counter = Literal[
    "nak_packets",
    "ignore_packets",
    "drop_acks",
    "drop_packets",
    "corrupt_packets",
    "duplicate_packets",
    "unanswered",
    "busy",
    "not_ready",
    "locked",
    "renegotiate",
    "errors",
    "wrong_checksums",
]


class EmulatorFaults(BaseModel):
    """What goes wrong next.  Counters say how many times; zero and False are a healthy meter.

    The object on `MeterEmulator.faults` may be changed at any time and acts at once.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    nak_packets: Count = 0  #: good packets of the client answered NAK, as if damaged
    ignore_packets: Count = 0  #: good packets of the client that the meter does not hear at all
    drop_acks: Count = 0  #: ACKs that the line swallows
    drop_packets: Count = 0  #: response packets that the line swallows
    corrupt_packets: Count = 0  #: response packets with one bit turned over
    duplicate_packets: Count = 0  #: response packets sent twice in a row
    unanswered: Count = 0  #: requests that are acknowledged, executed and never answered
    busy: Count = 0  #: reads and writes answered Device Busy
    not_ready: Count = 0  #: reads and writes answered Data Not Ready
    locked: Count = 0  #: reads and writes answered Data Locked
    renegotiate: Count = 0  #: reads and writes answered Renegotiate Request
    errors: Count = 0  #: reads and writes answered Error
    wrong_checksums: Count = 0  #: read responses whose table checksum is off by one
    refused_services: dict[ServiceName, ResponseName] = {}  #: services answered with that code, for good
    silent: bool = False  #: the meter hears everything and sends nothing
    noise: bytes = b""  #: octets put on the line once, before whatever the meter sends next
    response_delay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0  #: s between ACK and answer
    hang_up_after: Count | None = None  #: requests until the line drops in place of an answer

    def take(self, counter: Counter) -> bool:
        """Tell whether the fault strikes now, and count it down if so."""
        left: int = getattr(self, counter)
        if left:
            setattr(self, counter, left - 1)
        return left > 0

    def take_noise(self) -> bytes:
        """Return the noise to put on the line now; there is none the next time."""
        noise = self.noise
        if noise:
            self.noise = b""
        return noise

    def take_hang_up(self) -> bool:
        """Tell whether the line drops at this request."""
        if self.hang_up_after is None:
            return False
        if self.hang_up_after == 0:
            self.hang_up_after = None
            return True
        self.hang_up_after -= 1
        return False
