"""From a declaration and what is known of one meter to a plan; or, for tables that describe themselves,
straight from the octets.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from meterkit.codec.decoder import compile_group
from meterkit.codec.expression import AsRead, Expression, NotYet, Scope
from meterkit.codec.field import Field
from meterkit.codec.plan import Group, Node, Part, Series, Various, elements, name_at, write_part
from meterkit.codec.record import Record
from meterkit.codec.wire import MAX_SIZE, Kind, measure
from meterkit.errors import ErrorKind, ProtocolFault, fault


def group_of(record: type[Record], scope: Scope, where: str) -> Group:
    """Return the whole record as a plan.

    Errors: NotYet when the record's shape hangs on its own values; else as `Record.resolve`.
    """
    inside = replace(scope, pending=scope.pending | {*_classes(record)})
    parts, size = _parts(record.fields, inside, where)
    return Group(record, tuple(parts), size)


def _parts(fields: tuple[Field[Any], ...], scope: Scope, where: str) -> tuple[list[Part], int]:
    parts: list[Part] = []
    at = 0
    for f in fields:
        node = _node(f, _shortened(scope, f, at), _inner(where, f.name))
        parts.append(Part(f.name, at, node))
        at += node.size if node else 0
        _check_size(at, where)
    return parts, at


def _shortened(scope: Scope, f: Field[Any], at: int) -> Scope:
    """Return the scope of a field at `at`; only an `as_read` array asks how many octets are left."""
    if scope.left is None or not (isinstance(f.count, AsRead) or isinstance(f.kind, type)):
        return scope
    return scope.over(max(0, scope.left - at))


def _node(f: Field[Any], scope: Scope, where: str) -> Node | None:
    if not _is_present(f, scope, where):
        return None
    scope = scope.bind(*(_records(expression, scope, where) for expression in f.of))
    if f.each is not None:
        companions = _records(f.each, scope, where)
        nodes = [
            _one(f.kind, replace(scope.bind(companion), element=k, left=None), f"{where}[{k}]")
            for k, companion in enumerate(companions)
        ]
        return Various(tuple(nodes))
    if f.count is None:
        return _one(f.kind, scope, where)
    if not isinstance(f.count, AsRead) and measure(f.count, scope, where) == 0:
        return Series(None, 0)
    node = cast(Any, _one(f.kind, scope.over(None), where))
    count = _count(f, node.size, scope, where)
    _check_size(count * node.size, where)
    return Series(node, count if node.size else 0)


def _count(f: Field[Any], size: int, scope: Scope, where: str) -> int:
    if not isinstance(f.count, AsRead):
        return measure(0 if f.count is None else f.count, scope, where)
    if scope.left is None:
        raise NotYet(where)
    held = scope.left // size if size else 0
    return min(max(held, f.count.at_least), f.count.at_most)


def _one(kind: Kind[Any] | type[Record], scope: Scope, where: str) -> Node:
    return kind.wire(scope, where) if isinstance(kind, Kind) else group_of(kind, scope, where)


def _is_present(f: Field[Any], scope: Scope, where: str) -> bool:
    if f.since is not None and scope.edition is not None and f.since > scope.edition:
        return False
    return f.when is None or measure(f.when, scope, where) != 0


def _records(expression: Expression, scope: Scope, where: str) -> Any:
    """Return the record, or the records, that `of` or `each` names."""
    try:
        return expression.evaluate(scope)
    except (IndexError, TypeError) as problem:
        raise fault(ErrorKind.DECODE, f"no {expression!r} on this meter: {problem}", where=where) from None


def _check_size(size: int, where: str) -> None:
    if size > MAX_SIZE:
        message = f"its dimensions claim {size} octets; no table has more than {MAX_SIZE}"
        raise fault(ErrorKind.DECODE, message, where=where)


def _inner(where: str, name: str) -> str:
    return f"{where} {name}" if where.isidentifier() else f"{where}.{name}"


def _classes(record: type[Record]) -> list[type]:
    return [base for base in record.__mro__ if issubclass(base, Record)]


def too_short(group: Group, held: int, expected: int, where: str, shift: int = 0) -> ProtocolFault:
    """Return the fault that names the first value of `group` not wholly within `held` octets."""
    path = name_at(group, held - shift)
    message = f"{expected} octets expected, {held} read"
    return fault(ErrorKind.DECODE, message, where=f"{where} {path}" if path else where)


# ---------------------------------------------------------------- tables that describe themselves
def read_described(
    record: type[Record], scope: Scope, octets: bytes, start: int, where: str
) -> tuple[Any, int]:
    """Read a record whose shape hangs on its own earlier values; return it and the offset after it.

    Reads as many fields as are resolved, binds them, and goes on.
    """
    result = record.__new__(record)
    values = result.__dict__
    fields, at = record.fields, start
    inside = replace(scope, pending=scope.pending | {*_classes(record)}).bind(result)
    while fields:
        run = _resolved_run(fields, inside.over(len(octets) - at), where)
        if run.parts:
            group = Group(record, run.parts, run.size)
            if at + group.size > len(octets):
                raise too_short(group, len(octets), at + group.size, where, at)
            values.update(compile_group(group, scope.order)(octets, at).__dict__)
            fields, at = fields[len(run.parts) :], at + group.size
        else:
            f, fields = fields[0], fields[1:]
            inner = _inner(where, f.name)
            try:
                values[f.name], at = _read_field(f, inside, octets, at, inner)
            except NotYet:
                raise ValueError(f"{inner}: {f!r} looks at a field that comes after it") from None
    return result, at


def leading_group(record: type[Record], scope: Scope, where: str) -> Group:
    """Return the leading fields of a self-described record that are known before it is read."""
    run = _resolved_run(record.fields, replace(scope, pending=scope.pending | {*_classes(record)}), where)
    return Group(record, run.parts, run.size)


def _resolved_run(fields: tuple[Field[Any], ...], scope: Scope, where: str) -> Group:
    """Return the longest run of leading fields that are resolved, possibly none."""
    parts: list[Part] = []
    at = 0
    for f in fields:
        try:
            more, size = _parts((f,), _shortened(scope, f, at), where)
        except NotYet:
            break
        parts.append(Part(f.name, at, more[0].node))
        at += size
        _check_size(at, where)
    return Group(Record, tuple(parts), at)


def _read_field(f: Field[Any], scope: Scope, octets: bytes, at: int, where: str) -> tuple[Any, int]:
    """Read a field that holds records which describe themselves.

    It is there: one that is absent waits for nothing.  To ask again tells whether that itself has to wait.
    Errors: NotYet for a field that waits for one after it.
    """
    if isinstance(f.kind, Kind) or not _is_present(f, scope, where):
        raise NotYet(where)
    scope = replace(scope.bind(*(_records(e, scope, where) for e in f.of)), left=None)
    if f.count is None and f.each is None:
        return read_described(f.kind, scope, octets, at, where)
    companions = _records(f.each, scope, where) if f.each is not None else ()
    count, least = _bounds(f, companions, scope, where)
    found: list[Any] = []
    while len(found) < count and (at < len(octets) or len(found) < least):
        k = len(found)
        inner = replace(scope.bind(companions[k]), element=k) if f.each is not None else scope
        element, end = read_described(f.kind, inner, octets, at, f"{where}[{k}]")
        if end == at and f.each is None:  # so will all the others: whatever their number, there are none
            break
        found.append(element)
        at = end
    return tuple(found), at


def _bounds(f: Field[Any], companions: Any, scope: Scope, where: str) -> tuple[int, int]:
    if f.each is not None:
        return len(companions), len(companions)
    if isinstance(f.count, AsRead):
        return f.count.at_most, f.count.at_least
    count = measure(0 if f.count is None else f.count, scope, where)
    return count, count


def write_described(record: Record, scope: Scope, where: str, out: bytearray) -> None:
    """Append a record whose shape hangs on its own values.

    Errors: ValueError as `plan.write`.
    """
    inside = replace(scope.bind(record), pending=scope.pending - {*_classes(type(record))})
    for f in record.fields:
        value, inner = getattr(record, f.name), _inner(where, f.name)
        present = _is_present(f, inside, inner)
        if isinstance(f.kind, Kind) or not present:
            left = _left_for(f, value, inside, inner) if present else None
            node = _node(f, inside.over(left), inner) if present else None
            write_part(f.name, node, value, where, scope.order, out)
        elif value is None:
            raise ValueError(f"{inner}: present on this meter, but no value is given")
        else:
            _write_records(f, inside, value, inner, out)


def _left_for(f: Field[Any], value: Any, scope: Scope, where: str) -> int | None:
    """Return the octets that an `as_read` array of `value`'s length takes."""
    if not isinstance(f.count, AsRead) or not isinstance(f.kind, Kind):
        return None
    return f.kind.wire(scope, where).size * len(elements(value, where))


def _write_records(f: Field[Any], scope: Scope, value: Any, where: str, out: bytearray) -> None:
    assert isinstance(f.kind, type)
    scope = scope.bind(*(_records(e, scope, where) for e in f.of))
    if f.count is None and f.each is None:
        write_described(value, scope, where, out)
        return
    values = elements(value, where)
    companions = _records(f.each, scope, where) if f.each is not None else ()
    most, least = _bounds(f, companions, scope, where)
    if not least <= len(values) <= most:
        raise ValueError(f"{where}: {least} to {most} elements expected, {len(values)} given")
    for k, element in enumerate(values):
        if not isinstance(element, f.kind):
            raise ValueError(f"{where}[{k}]: {f.kind.__name__} expected, {type(element).__name__} given")  # noqa: TRY004
        inner = replace(scope.bind(companions[k]), element=k) if f.each is not None else scope
        write_described(element, inner, f"{where}[{k}]", out)
