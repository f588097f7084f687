"""The EM1000's binary optical protocol: frames, a session with the user's responder, captures.

All that is public about it are five frames; docs/em1000.md tells what is known, inferred and unknown.
"""

from meterkit.em1000.capture import (
    Capture,
    CapturedDamage,
    CaptureDecoder,
    CapturedFrame,
    CapturedNoise,
    CapturedSecret,
    CaptureItem,
    decode_capture,
    decode_octets,
)
from meterkit.em1000.difference import CapturedExchange, Difference, ReplyChange, diff, exchanges
from meterkit.em1000.frame import BadCrc, Frame, FrameDecoder, FrameEvent, Skipped, crc, encode
from meterkit.em1000.link import Em1000Link
from meterkit.em1000.meanings import Certainty, Meaning, Speaker, Views, explain, views
from meterkit.em1000.redaction import Redactor
from meterkit.em1000.session import Em1000Session, Reply, Responder

__all__ = [
    "BadCrc",
    "Capture",
    "CaptureDecoder",
    "CaptureItem",
    "CapturedDamage",
    "CapturedExchange",
    "CapturedFrame",
    "CapturedNoise",
    "CapturedSecret",
    "Certainty",
    "Difference",
    "Em1000Link",
    "Em1000Session",
    "Frame",
    "FrameDecoder",
    "FrameEvent",
    "Meaning",
    "Redactor",
    "Reply",
    "ReplyChange",
    "Responder",
    "Skipped",
    "Speaker",
    "Views",
    "crc",
    "decode_capture",
    "decode_octets",
    "diff",
    "encode",
    "exchanges",
    "explain",
    "views",
]
