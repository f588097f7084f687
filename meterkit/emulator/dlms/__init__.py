"""An emulated DLMS/COSEM meter: on TCP and UDP (WRAPPER), HDLC, after a sign-on, or in memory."""

from meterkit.emulator.dlms.configuration import (
    DEMO_PASSWORD,
    Clearance,
    ClientConfiguration,
    DlmsEmulatorConfiguration,
    HdlcConfiguration,
    ModeEConfiguration,
    ProfileConfiguration,
    PushSecurity,
)
from meterkit.emulator.dlms.faults import DlmsFaults
from meterkit.emulator.dlms.meter import DlmsMeterEmulator
from meterkit.emulator.dlms.profile_oddities import ProfileOddity
from meterkit.emulator.dlms.quirks import DlmsQuirk
from meterkit.emulator.dlms.security_configuration import (
    DEMO_AUTHENTICATION_KEY,
    DEMO_BROADCAST_KEY,
    DEMO_ENCRYPTION_KEY,
    DEMO_MASTER_KEY,
    SecurityConfiguration,
)
from meterkit.emulator.dlms.session import DlmsMeterSession
from meterkit.emulator.dlms.udp import UdpEmulatorServer, serve_udp

__all__ = [
    "DEMO_AUTHENTICATION_KEY",
    "DEMO_BROADCAST_KEY",
    "DEMO_ENCRYPTION_KEY",
    "DEMO_MASTER_KEY",
    "DEMO_PASSWORD",
    "Clearance",
    "ClientConfiguration",
    "DlmsEmulatorConfiguration",
    "DlmsFaults",
    "DlmsMeterEmulator",
    "DlmsMeterSession",
    "DlmsQuirk",
    "HdlcConfiguration",
    "ModeEConfiguration",
    "ProfileConfiguration",
    "ProfileOddity",
    "PushSecurity",
    "SecurityConfiguration",
    "UdpEmulatorServer",
    "serve_udp",
]
