"""What meters say unasked, on ports and lines of their own."""

from meterkit.dlms.push.listener import PushListener

__all__ = ["PushListener"]
