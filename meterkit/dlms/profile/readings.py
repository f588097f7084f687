"""What a client offers of profiles: their rows as a stream, and what they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from meterkit import arguments
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.cosem.declare import CosemObject
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.profile.column import ColumnChoice
from meterkit.dlms.profile.info import ProfileCache, ProfileInfo
from meterkit.dlms.profile.position import ProfilePosition
from meterkit.dlms.profile.reading import ProfileWish
from meterkit.dlms.profile.stream import ProfileStream
from meterkit.dlms.referencing import Referencing
from meterkit.dlms.session import DlmsSession
from meterkit.result import Result

_SELECTS: Final = Conformance.SELECTIVE_ACCESS | Conformance.PARAMETERIZED_ACCESS
_PDUS_PER_PAGE: Final = 32  # of the meter's size: a page that breaks costs as many exchanges
_LEAST_PAGE, _MOST_PAGE = 1 << 13, 1 << 16  # octets; 8 kB are 9 s at 9600 Bd
_UINT32: Final = 0xFFFFFFFF


class ProfileReadings:
    """The part of `DlmsClient` that reads profiles.  Stands on its services and on what was negotiated."""

    _session: DlmsSession
    _services: Referencing
    _profiles: ProfileCache | None = None

    def load_profile(
        self,
        obis: ObisCode | str | CosemObject = "1-0:99.1.0",
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        entries: tuple[int, int] | None = None,
        columns: Sequence[ColumnChoice] | None = None,
        position: ProfilePosition | Mapping[str, Any] | None = None,
    ) -> ProfileStream:
        """Stream the rows of a profile, oldest first; both ends are included.

        Naive times are the meter's local time.  `entries` are the numbers of the first and the last row,
        from the oldest, 1; negative ones count from the newest, and 0 is the last: (-96, 0) are the newest
        96.  `columns` are OBIS codes, or numbers from 1.  `position`, of another stream, goes on behind its
        last row.  Meters that refuse to be asked by time are asked by number, or else for everything.

        Errors: the stream's last item: REFUSED; whatever ended the session; DECODE with row, column and
        octets of the first row left out; STATE no such column, or times where the profile has no clock.
        Raises: ValueError, TypeError for arguments that cannot be.
        """
        for name, time in (("since", since), ("until", until)):
            if time is not None:
                arguments.moment(name, time)
        if entries is not None:
            if since is not None or until is not None:
                raise ValueError("give entries, or since and until, not both")
            entries = _entries(entries)
        if columns is not None and (isinstance(columns, str) or not columns):
            raise ValueError(f"columns {columns!r}: several OBIS codes or numbers expected, in a list")
        code = _code(obis)
        if position is not None:
            position = _position(position, code)
        chosen = None if columns is None else tuple(columns)
        granted = self._session.negotiated
        can_select = granted is None or bool(granted.conformance & _SELECTS)
        size = (granted.max_pdu if granted else 0) or _MOST_PAGE
        page = min(max(size * _PDUS_PER_PAGE, _LEAST_PAGE), _MOST_PAGE)
        wish = ProfileWish(code, since, until, entries, chosen, position, can_select, page)
        return ProfileStream(self._services, self._profile_cache(), wish)

    async def profile_info(self, obis: ObisCode | str | CosemObject = "1-0:99.1.0") -> Result[ProfileInfo]:
        """Tell what a profile captures, how often, in which order, and how many rows it has.

        Errors: as those of `load_profile`.
        """
        return await self.load_profile(obis).prepare()

    def _profile_cache(self) -> ProfileCache:
        """Return what this session knows of its profiles; another session begins anew."""
        if self._profiles is None or self._profiles.session is not self._session.negotiated:
            self._profiles = ProfileCache(self._session.negotiated)
        return self._profiles


def _code(obis: ObisCode | str | CosemObject) -> ObisCode:
    if isinstance(obis, CosemObject):
        return obis.obis
    return ObisCode.parse(obis) if isinstance(obis, str) else arguments.instance("obis", obis, ObisCode)


def _entries(entries: tuple[int, int]) -> tuple[int, int]:
    first, last = (arguments.whole("entries", one, -_UINT32, _UINT32) for one in entries)
    if first == 0 or (last and (first > 0) == (last > 0) and first > last):
        raise ValueError(f"entries {entries}: the first row, counted from 1, and the last one expected")
    return first, last


def _position(position: ProfilePosition | Mapping[str, Any], obis: ObisCode) -> ProfilePosition:
    known = position if isinstance(position, ProfilePosition) else ProfilePosition.from_json(position)
    if ObisCode.parse(known.obis) != obis:
        raise ValueError(f"position: it is one of profile {known.obis}, not of {obis}")
    return known
