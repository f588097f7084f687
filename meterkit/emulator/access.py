"""Who may read, write and run what: clearance levels, and the guide's rules table by table.

Source: OSGP guide, "Security and Keys", and the "Read access" line above each table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class AccessLevel(IntEnum):
    """What a session may do; each level includes those below.

    The names are SharpMeter's with the guide's PROVISIONING between READER and MASTER, which moves
    MASTER from 3 to 4.  The number never leaves the program.
    """

    NO_ACCESS = 0  #: no key given: open tables only
    CUSTOMER = 1  #: no OSGP key grants it
    READER = 2  #: RK, the read-only key
    PROVISIONING = 3  #: PK, the provisioning key
    MASTER = 4  #: MK, the unique key


class EmulatorState(IntEnum):
    """Where a session is.  SharpMeter's five names; C12.18 knows Base, ID and Session.

    IDLE is Base; IDENTIFIED and NEGOTIATED are ID; LOGGED_ON and AUTHENTICATED are Session.
    """

    IDLE = 0
    IDENTIFIED = 1
    NEGOTIATED = 2
    LOGGED_ON = 3
    AUTHENTICATED = 4

    @property
    def is_session(self) -> bool:
        """Whether tables can be read and written: the standard's Session state."""
        return self >= EmulatorState.LOGGED_ON


@dataclass(frozen=True, slots=True)
class TableAccess:
    """The lowest level that may read a table, and write it; None: nobody may."""

    read: AccessLevel | None
    write: AccessLevel | None


_OPEN = TableAccess(AccessLevel.NO_ACCESS, None)
_KEY = TableAccess(AccessLevel.READER, None)

#: OSGP tables whose access the guide prints, or which stand beside such a table.  Where it prints no
#: write access (doubt D44) the table is read-only, but for utility data and device configuration.
OSGP_ACCESS: dict[int, TableAccess] = {
    0: _OPEN,
    1: _OPEN,
    2: _KEY,
    3: _KEY,
    4: TableAccess(AccessLevel.PROVISIONING, None),
    5: TableAccess(AccessLevel.READER, AccessLevel.PROVISIONING),
    7: TableAccess(AccessLevel.READER, AccessLevel.READER),  # the procedure checks its own level
    8: _KEY,
    **dict.fromkeys((20, 21, 22, 23, 24, 25, 26, 27, 28), _KEY),
    **dict.fromkeys((40, 41), _KEY),
    **dict.fromkeys((50, 51, 52, 53, 55, 56), _KEY),
    **dict.fromkeys((61, 62, 63, 64, 65, 66, 67), _KEY),
    **dict.fromkeys((70, 71, 72, 73, 74, 76), _KEY),
    2051: TableAccess(AccessLevel.NO_ACCESS, AccessLevel.PROVISIONING),  # ET03
    2059: _KEY,  # ET11
    2064: _KEY,  # ET16
    2069: TableAccess(AccessLevel.PROVISIONING, None),  # ET21: MK, PK, and not RK (doubt D06)
    2099: TableAccess(AccessLevel.PROVISIONING, AccessLevel.PROVISIONING),  # ET51
    2127: _KEY,  # ET79
}
