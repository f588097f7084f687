"""What a user can set: pydantic models, checked at the door and never below it.

Times are seconds.  A secret shows in no repr and no error, and no URL may carry one.
"""

from meterkit.options.base import Delay, Options, Seconds, Secret
from meterkit.options.dlms import DlmsClientOptions
from meterkit.options.dlms_security import DlmsSecurityOptions
from meterkit.options.em1000 import Em1000Options, Em1000SerialOptions
from meterkit.options.lines import SerialOptions, TcpOptions, UdpOptions
from meterkit.options.psem import PsemClientOptions

__all__ = [
    "Delay",
    "DlmsClientOptions",
    "DlmsSecurityOptions",
    "Em1000Options",
    "Em1000SerialOptions",
    "Options",
    "PsemClientOptions",
    "Seconds",
    "Secret",
    "SerialOptions",
    "TcpOptions",
    "UdpOptions",
]
