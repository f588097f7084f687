"""Decade 40: how many passwords, keys and permissions there are.  Source: C12.19 Tables 40 and 41.

The tables that hold passwords and keys themselves (42, 45) are left to whoever needs them.  Layout: as
the termineter client reads it.
"""

from __future__ import annotations

from typing import Self

from meterkit.codec.layout import Record, item
from meterkit.psem.tables.names import Table
from meterkit.psem.tables.wire import UINT8, UINT16


class SecurityDimensions(Record):
    """What ST40 and ST41 have in common."""

    nbr_passwords = item(UINT8)
    password_len = item(UINT8)  #: octets
    nbr_keys = item(UINT8)
    key_len = item(UINT8)  #: octets
    nbr_perm_used = item(UINT16)  #: entries of ST44


class DimSecurityLimiting(SecurityDimensions, Table, number=40):
    """DIM_SECURITY_LIMITING_TBL: the most the meter supports."""


class ActSecurityLimiting(SecurityDimensions, Table, number=41):
    """ACT_SECURITY_LIMITING_TBL: what is in use."""

    @classmethod
    def from_dimension(cls, dimension: DimSecurityLimiting) -> Self:
        """Return what ST40 says as if ST41 had said it, for meters without ST41."""
        return cls(**{f.name: getattr(dimension, f.name) for f in cls.fields})
