"""Who the meter is: its logical device name, its numbers, its firmware.

    0-0:42.0.0   logical device name, whose first three letters are the manufacturer's
    0-0:96.1.0   to 0-0:96.1.9   device IDs: serial number, the utility's numbers and so on
    1-0:0.2.0    active firmware identifier      1-0:0.2.8   its signature

Source: Blue Book 6.2.4, 6.2.22; IEC 62056-61 (OBIS), device IDs; general knowledge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from meterkit.dlms.cosem.data_and_registers import Data
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.readings.meter import Meter, is_missing, read_each, session_error, told
from meterkit.dlms.readings.texts import text
from meterkit.errors import MeterError
from meterkit.result import Err, Ok, Result

FIRMWARE_SIGNATURE: Final = ObisCode(1, 0, 0, 2, 8)
ELECTRICITY_ID: Final = ObisCode(1, 0, 0, 0, 0)
DEVICE_IDS: Final = tuple(ObisCode(0, 0, 96, 1, e) for e in range(10))
_MANUFACTURER: Final = 3  # letters, of the FLAG association
_EXPECTED: Final = (ObisCode.LOGICAL_DEVICE_NAME, ObisCode.SERIAL_NUMBER, ObisCode.FIRMWARE_VERSION)
_ASKED: Final = (*_EXPECTED, FIRMWARE_SIGNATURE, ELECTRICITY_ID, *DEVICE_IDS[1:])


@dataclass(frozen=True, slots=True)
class DlmsIdentity:
    """Who a meter is; None stands for what it does not tell or has not.  Octets that are no text are hex."""

    logical_device_name: str | None
    manufacturer: str | None  #: three letters of the FLAG association, such as "LGZ"
    serial_number: str | None  #: device ID 1
    firmware: str | None  #: the active one's identifier
    firmware_signature: str | None
    electricity_id: str | None  #: the utility's number of the meter
    device_ids: Mapping[int, str] = field(default_factory=dict[int, str])  #: 1 to 10, those that it has
    withheld: tuple[MeterError, ...] = ()  #: why something that the meter should have is None


async def read_identity(meter: Meter) -> Result[DlmsIdentity]:
    """Read what identifies the meter.  Errors: see `DlmsClient.identity`."""
    answers = await read_each(meter, [Data(obis).value for obis in _ASKED])
    ended = session_error(answers)
    if ended is not None:
        return ended
    known = {obis: _text(answer) for obis, answer in zip(_ASKED, answers, strict=True)}
    name = known[ObisCode.LOGICAL_DEVICE_NAME]
    numbers = ((number, known[obis]) for number, obis in enumerate(DEVICE_IDS, 1))
    expected = zip(_EXPECTED, answers, strict=False)
    return Ok(
        DlmsIdentity(
            logical_device_name=name,
            manufacturer=_manufacturer(told(answers[0])),
            serial_number=known[ObisCode.SERIAL_NUMBER],
            firmware=known[ObisCode.FIRMWARE_VERSION],
            firmware_signature=known[FIRMWARE_SIGNATURE],
            electricity_id=known[ELECTRICITY_ID],
            device_ids={number: one for number, one in numbers if one is not None},
            withheld=tuple(
                answer.error
                for obis, answer in expected
                if isinstance(answer, Err)
                and not (obis != ObisCode.LOGICAL_DEVICE_NAME and is_missing(answer.error))
            ),
        )
    )


def _text(answer: Result[Any]) -> str | None:
    value = told(answer)
    return None if value is None or value == b"" else text(value)


def _manufacturer(name: object) -> str | None:
    """Return the first three letters of a logical device name, if letters they are."""
    letters = name[:_MANUFACTURER] if isinstance(name, bytes) else b""
    if len(letters) == _MANUFACTURER and letters.isalpha() and letters.isascii():
        return letters.decode("ascii")
    return None
