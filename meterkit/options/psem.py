"""How to talk PSEM: ANSI C12.18, C12.21 and OSGP meters."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from meterkit.options.base import Delay, Options, Seconds
from meterkit.psem.codes import BAUD_CODES


class PsemClientOptions(Options):
    """How to talk PSEM.  The defaults are C12.18's; a C12.21 modem wants 30, 1 and 4 s.

    Source: C12.18-1996 and 2006; OSGP guide, "Security and Keys" for user id and name.
    """

    user_id: Annotated[int, Field(ge=0, le=0xFFFF)] = 2  #: Logon; meters only write it into their log
    user_name: str = "meterkit"  #: Logon; at most 10 octets of ASCII
    identity: Annotated[int, Field(ge=0, le=255)] = 0  #: device on a multi-drop line (C12.21)
    packet_size: Annotated[int, Field(ge=64, le=8192)] = 1024  #: octets asked for, framing included
    max_packets: Annotated[int, Field(ge=1, le=255)] = 16  #: packets a message may span
    #: Rates offered in Negotiate, 0 to 11 of them; None offers the one in use, as most readers do.
    baud_rates: Annotated[tuple[int, ...] | None, Field(max_length=11)] = None
    password_padding: Literal["nul", "space"] = "nul"  #: what fills the 20 octets
    retries: Annotated[int, Field(ge=0, le=20)] = 3  #: identical retransmissions of one packet
    response_timeout: Seconds = 2.0  #: for the ACK
    intercharacter_timeout: Seconds = 0.5
    channel_traffic_timeout: Seconds = 6.0  #: without traffic, after which the meter hangs up
    answer_timeout: Seconds = 6.0  #: for the answer after the ACK; some procedures take 20
    exchange_timeout: Seconds = 120.0  #: for one request with its whole answer, however slow
    turnaround_delay: Delay = 0.0  #: before we answer a frame; slow UARTs need 0.01 to 0.06
    timing_setup: bool = False  #: C12.21: tell the meter these time-outs, and use what it answers
    hang_up: bool = False  #: C12.21: end with Disconnect, so that a modem drops its carrier
    wake_up: bool = False  #: send 0x55 and wait before Identify (shared optical ports)
    wake_up_delay: Delay = 0.05
    keep_alive: bool = True
    keep_alive_wait: Annotated[int, Field(ge=10, le=255)] = 75  #: s asked for: one exchange a minute
    retry_busy: Annotated[int, Field(ge=0, le=100)] = 0  #: repeats of a read answered busy or not ready
    retry_busy_delay: Delay = 2.0
    procedure_polls: Annotated[int, Field(ge=1, le=1000)] = 20
    procedure_poll_interval: Delay = 0.5
    unknown_table_cap: Annotated[int, Field(ge=1, le=0x100000)] = 65536  #: octets, size unknown
    open_attempts: Annotated[int, Field(ge=1, le=20)] = 1  #: tries to open the line, with backoff

    @field_validator("user_name")
    @classmethod
    def _fits_logon(cls, value: str) -> str:
        if not value.isascii() or len(value) > 10:
            raise ValueError("Logon carries at most 10 ASCII characters")
        return value

    @field_validator("baud_rates")
    @classmethod
    def _has_code(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        for rate in value or ():
            if rate not in BAUD_CODES:
                known = ", ".join(str(rate) for rate in sorted(BAUD_CODES))
                raise ValueError(f"C12.18 has no code for {rate} baud; it knows {known}")
        return value
