"""Declare a table once, resolve it for one meter, decode it many times.

    declaration   class body              what the standard's table says
    resolve       once per meter          dimensions and formats known: sizes and offsets
    decode        once per read           octets -> record, by one compiled function
    encode        for writes, emulator    record -> octets

A table that grew with the firmware (`since=`) has several editions.  The firmware version rules out those
that are newer; of the rest the octets decide: the edition they fill exactly, else the longest they hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from struct import Struct
from typing import Any, Generic, TypeVar

from meterkit.codec.decoder import Decoder, compile_group, is_flat, source_of, struct_code
from meterkit.codec.expression import ELEMENT, AsRead, Expression, NotYet, as_read
from meterkit.codec.field import (
    OPTIONAL,
    Field,
    Version,
    View,
    array,
    bit,
    bits,
    derived,
    item,
    octet_set,
    octets,
    text,
)
from meterkit.codec.plain import plain
from meterkit.codec.plan import Group, Node, find, packer, write
from meterkit.codec.record import Context, Record
from meterkit.codec.resolve import group_of, leading_group, read_described, too_short, write_described
from meterkit.codec.values import BitSet, InvalidTime
from meterkit.codec.wire import MAX_SIZE, Chosen, Formed, Kind, Wire
from meterkit.errors import ErrorKind, ProtocolFault, fault

__all__ = [
    "ELEMENT",
    "MAX_SIZE",
    "OPTIONAL",
    "AsRead",
    "BitSet",
    "Chosen",
    "Context",
    "Expression",
    "Field",
    "Formed",
    "InvalidTime",
    "Kind",
    "Layout",
    "Record",
    "View",
    "Wire",
    "array",
    "as_read",
    "bit",
    "bits",
    "derived",
    "item",
    "octet_set",
    "octets",
    "plain",
    "text",
]

R = TypeVar("R", bound=Record)
_PADDING = 4096  # octets: more than ST0's sets can take, 6 * 255


class _Edition:
    """One possible shape of a table, compiled when first used."""

    def __init__(self, group: Group, order: str) -> None:
        self.group, self.size, self._order = group, group.size, order

    @cached_property
    def decode(self) -> Decoder:
        return compile_group(self.group, self._order)


class Layout(Generic[R]):
    """A record resolved for one meter.  Made by `Record.resolve`."""

    def __init__(self, record: type[R], context: Context) -> None:
        self.record, self.context = record, context
        self._scope = _without(record, context).scope()
        self._label = record.label()
        self._versions = _versions(record, context.firmware)
        self._editions: list[_Edition] = []
        self._bounds: tuple[int, int | None] = (0, None)
        try:
            groups = {g.size: g for g in (self._group(version, None) for version in self._versions)}
            self._editions = [_Edition(groups[size], self._scope.order) for size in sorted(groups)]
            self._bounds = self._editions[0].size, self._editions[-1].size
        except NotYet:
            self._bounds = self._smallest(), self._largest()

    def __repr__(self) -> str:
        return f"<Layout of {self._label}: {self.minimum_size} to {self.size or 'any number of'} octets>"

    @property
    def size(self) -> int | None:
        """Octets of the full table; None when only its own octets can tell (such as ST0's)."""
        return self._bounds[1]

    @property
    def minimum_size(self) -> int:
        """Octets that the oldest edition takes: without any `since` group."""
        return self._bounds[0]

    @property
    def is_self_described(self) -> bool:
        """Tell whether the shape hangs on the table's own octets, so that not all offsets are known."""
        return not self._editions

    def decode(self, octets: bytes, at: int = 0) -> R:
        """Return the record whose octets begin `at`.

        Too many octets are accepted; when `at` is 0 the tail is kept in `record.extra`.
        Errors: ProtocolFault (DECODE) for too few octets, naming the value that is not whole, and for
        self-described tables whose dimensions make no sense.
        """
        octets = bytes(octets)
        record: R
        if not 0 <= at <= len(octets):
            raise ValueError(f"offset {at} is outside the {len(octets)} octets given")
        if self.is_self_described:
            record, end = self._read_described(octets, at)
        else:
            edition = self._pick(len(octets) - at, at)
            record, end = edition.decode(octets, at), at + edition.size
        if end < len(octets) and at == 0:
            record.__dict__["extra"] = octets[end:]
        return record

    def size_from(self, head: bytes) -> int:
        """Return the octets of a self-described table, told from its first `minimum_size` octets.

        Errors: ProtocolFault (DECODE) for dimensions that make no sense.
        """
        padded = head + bytes(_PADDING)
        return len(padded) - len(self.decode(padded).extra)

    def encode(self, record: R) -> bytes:
        """Return the record's octets, `extra` included.

        Of several editions, the newest of which the record has every field.
        Errors: ValueError naming the field whose value is missing, unexpected or does not fit.
        """
        problem: ValueError | None = None
        shapes: list[Callable[[bytearray], None]]
        if self.is_self_described:
            shapes = [self._describer(record, version) for version in reversed(self._versions)]
        else:
            shapes = [self._writer(record, edition.group) for edition in reversed(self._editions)]
        for put in shapes:
            out = bytearray()
            try:
                put(out)
            except ValueError as error:
                problem = problem or error
            else:
                return bytes(out + record.extra)
        raise problem or ValueError(f"{self._label}: nothing to encode")

    def offset_of(self, field: Field[Any] | str) -> int:
        """Return the offset of a field, or of a path such as "sets[1].nbr_chns", in the newest edition.

        Errors: LookupError when this meter has no such field; ValueError when only the octets can tell.
        """
        return self.find(field)[0]

    def size_of(self, field: Field[Any] | str) -> int:
        """Return how many octets a field, or the value at a path, takes in the newest edition.

        Errors: as `offset_of`.
        """
        return self.find(field)[1].size

    def find(self, field: Field[Any] | str) -> tuple[int, Node]:
        """Return the offset and the resolved shape of a field or path, in the newest edition.

        Errors: as `offset_of`.
        """
        path = field if isinstance(field, str) else _name(field, self.record)
        if self._editions:
            return find(self._editions[-1].group, path)
        group = self._prefix()
        try:
            return find(group, path)
        except LookupError:
            raise ValueError(
                f"{self._label} {path}: only the table's own octets can tell where it is"
            ) from None

    def flat_struct(self) -> Struct:
        """Return one Struct of all values, for loops that want no records.

        Errors: ValueError when the record holds an array of records, or describes itself.
        """
        group = self._editions[-1].group if self._editions else None
        if group is None or not is_flat(group):
            raise ValueError(f"{self._label} is no run of plain values")
        return packer(self._scope.order + struct_code(group))

    @property
    def source(self) -> str:
        """The Python that decodes the newest edition; empty for self-described tables."""
        return source_of(self._editions[-1].group, self._scope.order)[0] if self._editions else ""

    # ------------------------------------------------------------ editions
    def _group(self, version: Version | None, left: int | None) -> Group:
        return group_of(self.record, replace(self._scope, edition=version, left=left), self._label)

    def _pick(self, held: int, at: int) -> _Edition:
        editions = self._editions
        if held >= editions[-1].size:
            return editions[-1]
        for edition in reversed(editions):
            if held >= edition.size:
                return edition
        smallest = editions[0]
        raise too_short(smallest.group, at + held, at + smallest.size, self._label, at)

    def _smallest(self) -> int:
        try:
            return self._group(self._versions[0], 0).size
        except NotYet:
            return self._prefix().size

    def _largest(self) -> int | None:
        try:
            return self._group(self._versions[-1], MAX_SIZE).size
        except NotYet:
            return None

    def _prefix(self) -> Group:
        """Return the leading fields whose shape is known without the octets."""
        return leading_group(
            self.record, replace(self._scope, edition=self._versions[0], left=0), self._label
        )

    def _read_described(self, octets: bytes, at: int) -> tuple[Any, int]:
        problem: ProtocolFault | None = None
        for version in reversed(self._versions):
            scope = replace(self._scope, edition=version)
            try:
                return read_described(self.record, scope, octets, at, self._label)
            except ProtocolFault as found:
                problem = found
            except RecursionError:
                problem = fault(ErrorKind.DECODE, "nested too deeply", where=self._label)
        assert problem is not None
        raise problem

    def _describer(self, record: Record, version: Version) -> Callable[[bytearray], None]:
        scope = replace(self._scope, edition=version)
        return lambda out: write_described(record, scope, self._label, out)

    def _writer(self, record: Record, group: Group) -> Callable[[bytearray], None]:
        return lambda out: write(group, record, self._label, self._scope.order, out)


def _without(record: type[Record], context: Context) -> Context:
    """Return the context without an older reading of the very record to resolve."""
    others = {known: value for known, value in context.records.items() if not issubclass(known, record)}
    return replace(context, records=others)


def _versions(record: type[Record], firmware: Version | None) -> list[Version]:
    """Return the oldest edition, (), and every `since` up to `firmware`, oldest first."""
    found: set[Version] = {()}
    waiting = [record]
    while waiting:
        for f in waiting.pop().fields:
            if f.since is not None and (firmware is None or f.since <= firmware):
                found.add(f.since)
            if isinstance(f.kind, type):
                waiting.append(f.kind)
    return sorted(found)


def _name(field: Field[Any], record: type[Record]) -> str:
    if not issubclass(record, field.owner):
        raise LookupError(f"{field!r} is not a field of {record.__name__}; give the path from there")  # noqa: TRY004
    return field.source.name if isinstance(field, View) and field.source is not None else field.name
