"""COSEM data protection: what it protects, how, and the protected octets.

Its methods are withheld, see `DataProtection.withheld`: no source at hand confirms their parameters.
Source: Blue Book 4.4.9 (COSEM data protection).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from meterkit.dlms.cosem.declare import AttributeRef
from meterkit.dlms.cosem.definitions import RestrictedObject
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.cosem.security_setup import DataProtection, ProtectionParameters, SecurityPolicy
from meterkit.dlms.readings.meter import Meter, read_told
from meterkit.result import Err, Ok, Result

DATA_PROTECTION: Final = ObisCode(0, 0, 43, 2, 0)


@dataclass(frozen=True, slots=True)
class ProtectedData:
    """A data protection object; None where the meter does not tell."""

    buffer: bytes | None  #: the objects' values, protected
    objects: tuple[RestrictedObject, ...] | None
    parameters_get: tuple[ProtectionParameters, ...] | None  #: layers put on what is read
    parameters_set: tuple[ProtectionParameters, ...] | None  #: layers expected on what is written
    required: SecurityPolicy | None


async def read_protected_data(meter: Meter, protection: DataProtection) -> Result[ProtectedData]:
    """Read a data protection object.  Errors: see `DlmsClient.protected_data`."""
    refs: list[AttributeRef[Any]] = [
        protection.protection_buffer,
        protection.protection_object_list,
        protection.protection_parameters_get,
        protection.protection_parameters_set,
        protection.required_protection,
    ]
    values = await read_told(meter, refs)
    if isinstance(values, Err):
        return values
    return Ok(ProtectedData(*values.value))
