"""What a declaration may not say: told where the class is written, not when a meter is read."""

from __future__ import annotations

from meterkit.codec.expression import AsRead, Expression
from meterkit.codec.wire import Kind, check_dimension


def check_field(kind: object, count: object, when: object, since: object) -> None:
    """Make sure that one line of a table makes sense by itself.

    Errors: TypeError and ValueError saying what was expected.
    """
    is_record = isinstance(kind, type) and hasattr(kind, "resolve")
    if not isinstance(kind, Kind) and not is_record:
        raise TypeError(f"{kind!r}: a type such as UINT8, or a Record class, expected")
    if count is not None and not isinstance(count, AsRead):
        check_dimension("count", count)
    if when is not None and not isinstance(when, Expression):
        raise TypeError(f"when={when!r}: a field of a table, or an expression of some, expected")
    parts: tuple[object, ...] | None = since if isinstance(since, tuple) else None  # pyright: ignore[reportUnknownVariableType]
    if since is not None and (not parts or not all(isinstance(part, int) for part in parts)):
        raise TypeError(f"since={since!r}: a firmware version such as (3, 10) expected")
