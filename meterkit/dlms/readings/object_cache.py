"""Association views on disk: JSON, one file for each meter and association, with a digest of its own.

    { "origin": { "meter": "4d4b..", "client": 16, "server": 1,
                  "firmware": "..", "configuration": "3" },
      "digest": "sha-256 of what follows",
      "objects": [ { "class_id": 3, "version": 0, "obis": "1-0:1.8.0*255",
                     "attributes": {"2": 1}, "methods": {"1": 0}, "selectors": {} } ] }

What is not whole, or of another meter, firmware or configuration, is as good as nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import MappingProxyType
from typing import Any, Protocol

from meterkit.dlms.cosem.access_control import Access
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.object_list import ObjectListElement


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose view it is, and as of what firmware and configuration."""

    meter: str  #: its logical device name, hex
    client: int  #: address of the client
    server: int  #: address of the logical device
    firmware: str | None = None  #: the active one's identifier; None where the meter does not tell it
    configuration: str | None = None  #: number of configuration changes; None where it does not tell it

    @property
    def key(self) -> str:
        """The association, as a name that files can have."""
        return f"{self.meter}-{self.client}-{self.server}"


class ObjectCache(Protocol):
    """Keeps views between runs.  What it does with files blocks: it is called in a thread."""

    def load(self, origin: Origin) -> tuple[ObjectListElement, ...] | None:
        """Return the view kept of exactly this origin, or None."""
        ...

    def save(self, origin: Origin, view: tuple[ObjectListElement, ...]) -> None:
        """Keep a view in place of what there was of the same association."""
        ...


class MemoryObjectCache:
    """Views in memory: for one process, and for tests."""

    def __init__(self) -> None:
        self._views: dict[str, tuple[Origin, tuple[ObjectListElement, ...]]] = {}

    def load(self, origin: Origin) -> tuple[ObjectListElement, ...] | None:
        """Return the view kept of exactly this origin, or None."""
        known, view = self._views.get(origin.key, (None, None))
        return view if known == origin else None

    def save(self, origin: Origin, view: tuple[ObjectListElement, ...]) -> None:
        """Keep a view in place of what there was of the same association."""
        self._views[origin.key] = origin, view


class ObjectFiles:
    """Views as JSON files in one folder, which is made when the first is kept."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    def load(self, origin: Origin) -> tuple[ObjectListElement, ...] | None:
        """Return the view kept of exactly this origin; None where there is none, or a broken one."""
        try:
            return _view(json.loads(self._path(origin).read_bytes()), origin)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def save(self, origin: Origin, view: tuple[ObjectListElement, ...]) -> None:
        """Keep a view; a reader finds the old file or the new one, never half of one.

        Errors: OSError where the folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        objects = [_document(one) for one in view]
        document = {"origin": asdict(origin), "digest": _digest(objects), "objects": objects}
        with NamedTemporaryFile("w", dir=self.folder, suffix=".new", delete=False) as file:
            try:
                json.dump(document, file, indent=1)
                file.close()
                os.replace(file.name, self._path(origin))
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise

    def _path(self, origin: Origin) -> Path:
        return self.folder / f"{sha256(origin.key.encode()).hexdigest()[:32]}.json"


def _document(one: ObjectListElement) -> dict[str, object]:
    return {
        "class_id": one.class_id,
        "version": one.version,
        "obis": str(one.obis),
        "attributes": {str(index): int(access) for index, access in one.attribute_access.items()},
        "methods": {str(index): int(access) for index, access in one.method_access.items()},
        "selectors": {str(index): list(chosen) for index, chosen in one.selectors.items()},
    }


def _view(document: Mapping[str, Any], origin: Origin) -> tuple[ObjectListElement, ...] | None:
    """Return the view in a document.  Raises: KeyError, TypeError, ValueError for one that is broken."""
    objects: list[Mapping[str, Any]] = document["objects"]
    if document["origin"] != asdict(origin) or document["digest"] != _digest(objects):
        return None
    return tuple(_element(one) for one in objects)


def _element(one: Mapping[str, Any]) -> ObjectListElement:
    return ObjectListElement(
        int(one["class_id"]),
        int(one["version"]),
        ObisCode.parse(one["obis"]),
        _rights(one["attributes"]),
        _rights(one["methods"]),
        MappingProxyType({int(index): tuple(map(int, chosen)) for index, chosen in one["selectors"].items()}),
    )


def _rights(rights: Mapping[str, int]) -> Mapping[int, Access]:
    return MappingProxyType({int(index): Access(int(access)) for index, access in rights.items()})


def _digest(objects: Iterable[Mapping[str, object]]) -> str:
    return sha256(json.dumps(objects, sort_keys=True).encode()).hexdigest()
