"""How to talk DLMS/COSEM: addresses, links, and what is asked for in an association."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from meterkit.dlms.conformance import Conformance
from meterkit.dlms.hdlc.address import HdlcAddress
from meterkit.options.base import Delay, Seconds
from meterkit.options.dlms_security import DlmsSecurityOptions


class DlmsClientOptions(DlmsSecurityOptions):
    """How to talk DLMS/COSEM: who we are, who the meter is, and what is asked for in its association.

    Source: IEC 62056-46 and -47 for addresses and links, IEC 62056-53 for the association.
    """

    client_address: Annotated[int, Field(ge=0, le=0xFFFF)] = 16  #: client SAP; 16 is the public client
    server_address: Annotated[int, Field(ge=0, le=0xFFFF)] = 1  #: logical device; 1 is the management one
    server_physical_address: Annotated[int | None, Field(ge=0, le=0x3FFF)] = None  #: HDLC, several on a line
    server_address_size: Literal[1, 2, 4] | None = None  #: HDLC octets; None: as few as hold the address
    serial_number: Annotated[int | None, Field(ge=0)] = None  #: HDLC: gives the physical address instead
    interface: Literal["wrapper", "hdlc"] = "wrapper"
    referencing: Literal["logical_name", "short_name"] = "logical_name"
    #: Services asked for; the meter grants some of them.  None: all that this client knows.
    conformance: Conformance | None = None
    max_pdu: Annotated[int, Field(ge=0, le=0xFFFF)] = 0xFFFF  #: octets we take in one PDU; 0: any number
    max_response_size: Annotated[int, Field(ge=1024, le=1 << 30)] = 1 << 24  #: octets in all blocks together
    list_limit: Annotated[int, Field(ge=1, le=255)] = 16  #: attributes asked for in one list
    high_priority: bool = True  #: in the invoke-id-and-priority octet
    release: bool = True  #: end with RLRQ; some meters want none
    hdlc_max_info: Annotated[int, Field(ge=16, le=2030)] = 128  #: octets proposed for an information field
    hdlc_window: Annotated[int, Field(ge=1, le=7)] = 1  #: frames proposed before an acknowledgement
    hdlc_propose: bool = True  #: False sends SNRM without parameters, for meters that choke on them
    retries: Annotated[int, Field(ge=0, le=20)] = 3  #: HDLC: repeats of one frame
    response_timeout: Seconds = 5.0  #: for the first octet of an answer
    interoctet_timeout: Seconds = 1.0  #: within a frame
    exchange_timeout: Seconds = 120.0  #: for an answer, or for each block of a long one
    turnaround_delay: Delay = 0.0  #: before we answer a frame
    mode_e: bool = False  #: begin with the IEC 62056-21 sign-on at 300 baud
    mode_e_address: Annotated[str, Field(max_length=32)] = ""  #: device address of the sign-on
    baud_switch: bool = True  #: False: the converter keeps its speed after the sign-on
    keep_alive: bool = True  #: HDLC: RR while nobody asks anything
    keep_alive_interval: Seconds = 40.0  #: a third of the usual inactivity time-out of 120 s
    open_attempts: Annotated[int, Field(ge=1, le=20)] = 1  #: tries to open the line, with backoff

    @field_validator("mode_e_address")
    @classmethod
    def _is_device_address(cls, value: str) -> str:
        if value and not (value.isascii() and value.replace(" ", "").isalnum()):
            raise ValueError("a device address has letters, digits and spaces only")
        return value

    @model_validator(mode="after")
    def _fits_the_interface(self) -> DlmsClientOptions:
        if self.interface == "hdlc":
            _ = self.hdlc_client, self.hdlc_server  # ValueError for what no HDLC address can say
        elif self.mode_e:
            raise ValueError("the mode E sign-on leads to HDLC: interface='hdlc' goes with it")
        return self

    @property
    def hdlc_client(self) -> HdlcAddress:
        """Our address on an HDLC line.  Raises: ValueError for one of more than one octet."""
        return HdlcAddress(self.client_address)

    @property
    def hdlc_server(self) -> HdlcAddress:
        """The meter's address on an HDLC line.  Raises: ValueError for one that does not fit."""
        if self.serial_number is not None:
            return HdlcAddress.from_serial_number(self.serial_number, self.server_address)
        return HdlcAddress(self.server_address, self.server_physical_address, self.server_address_size or 0)
