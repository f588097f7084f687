"""Counts and conditions written out as text: "ActRegs.nbr_tiers", "(nbr_blk_ints + 7) // 8".

    choice   = both { "or" both }              both  = claim { "and" claim }
    claim    = { "not" } compared              compared = binary [ ( "==" | "!=" | "<" | "<=" ... ) binary ]
    binary   = unary { operator unary }        operators, from loose to tight:  |   &   >>   + -   * // %
    unary    = { "~" } value { "[" choice "]" | ".bit(" choice ")" | ".has(" choice ")" | "." member }
    value    = number | name { "." name } | "(" choice ")"

As in Python, but for "~", which is "not".  Nothing is evaluated but what this grammar has, and only on
whole numbers, flags, sets and arrays: a text of the meter never gets near an operator.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from meterkit.codec.expression import Computed, Expression, Scope
from meterkit.codec.record import Record
from meterkit.codec.values import BitSet

Formula: TypeAlias = int | Expression
Resolve: TypeAlias = Callable[[str], Expression]  #: dotted name -> what it stands for; ValueError if nothing

MAX_LENGTH = 200  # characters of one formula
MAX_DEPTH = 20  # nested parentheses and indices

_TOKEN = re.compile(
    r"\s*(?:(?P<number>0[xX][0-9A-Fa-f]+|[0-9]+)(?!\w)"
    r"|(?P<name>[A-Za-z_]\w*(?:\.(?!(?:bit|has)\s*\()[A-Za-z_]\w*)*)"
    r"|(?P<member>\.[A-Za-z_]\w*)"
    r"|(?P<sign>//|>>|==|!=|<=|>=|[-+*%&|~<>()\[\]]))",
    re.ASCII,
)
_WORDS = ("and", "or", "not")


class _Token(NamedTuple):
    kind: str
    text: str
    at: int  #: first character is 1


# ---------------------------------------------------------------- what operators do
def _number(value: Any) -> int:
    """Return a value that operators may have."""
    if not isinstance(value, int):
        raise TypeError(f"a whole number or flag expected, {type(value).__name__} found")
    return value


def _element(values: Any, index: int) -> Any:
    if not isinstance(values, tuple):
        raise TypeError(f"an array expected, {type(values).__name__} found")
    if not 0 <= index < len(values):  # pyright: ignore[reportUnknownArgumentType]
        raise IndexError(f"no element {index}")
    return values[index]  # pyright: ignore[reportUnknownVariableType]


def _member(record: Any, name: str) -> Any:
    known: tuple[Any, ...] = (*record.fields, *record.views) if isinstance(record, Record) else ()
    if name not in {field.name for field in known}:
        raise TypeError(f"{type(record).__name__} has no field {name}")
    return getattr(record, name)


def _bit(value: Any, number: int) -> bool:
    if number < 0:
        raise IndexError(f"no bit {number}")
    return bool(_number(value) >> number & 1)


def _has(numbers: Any, number: int) -> bool:
    if not isinstance(numbers, BitSet):
        raise TypeError(f"a SET expected, {type(numbers).__name__} found")
    return number in numbers


def _shifted(value: int, count: int) -> int:
    if count < 0:
        raise IndexError(f"no shift by {count}")
    return value >> count


def _union(left: int, right: int) -> int:
    return left | right


def _common(left: int, right: int) -> int:
    return left & right


def _divided(left: int, right: int) -> int:
    return left // right


def _and(left: int, right: int) -> bool:
    return bool(left) and bool(right)


def _or(left: int, right: int) -> bool:
    return bool(left) or bool(right)


_Operators: TypeAlias = dict[str, Callable[[Any, Any], Any]]
_COMPARISONS: _Operators = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
#: From loose to tight.
_LEVELS: tuple[_Operators, ...] = (
    {"|": _union},
    {"&": _common},
    {">>": _shifted},
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "//": _divided, "%": operator.mod},
)
_METHODS: _Operators = {".bit": _bit, ".has": _has}


def parse_formula(text: str, resolve: Resolve) -> Formula:
    """Return the number or expression that `text` stands for; `resolve` knows the names in it.

    Errors: ValueError saying what was expected and at which character.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"{len(text)} characters; a formula has {MAX_LENGTH} at most")
    formula = _Parser(text, resolve).parse()
    if isinstance(formula, int) or formula.needs:
        return formula
    try:
        return int(formula.evaluate(Scope()))  # no names in it
    except (ArithmeticError, IndexError, TypeError) as problem:
        raise ValueError(f"{text!r} cannot be computed: {problem}") from None


def member(record: Expression, name: str) -> Expression:
    """Return field `name` of the record that an expression stands for."""
    return Computed("{}.{}", _member, record, name)


class _Parser:
    def __init__(self, text: str, resolve: Resolve) -> None:
        self._text, self._resolve = text, resolve
        self._tokens = _split(text)
        self._next = self._depth = 0

    def parse(self) -> Formula:
        formula = self._choice()
        if self._peek() is not None:
            raise self._wrong("an operator or the end")
        return formula

    def _peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _take(self, *wanted: str) -> str | None:
        """Return the next token if it is one of the signs or words `wanted`, and step over it."""
        token = self._peek()
        if token is None or token.text not in wanted:
            return None
        self._next += 1
        return token.text

    def _expect(self, sign: str) -> None:
        if self._take(sign) is None:
            raise self._wrong(repr(sign))

    def _wrong(self, expected: str) -> ValueError:
        token = self._peek()
        if token is None:
            return ValueError(f"{expected} expected at the end of {self._text!r}")
        return ValueError(
            f"{expected} expected at character {token.at} of {self._text!r}, not {token.text!r}"
        )

    # ------------------------------------------------------------ grammar
    def _choice(self) -> Formula:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ValueError(f"nested more than {MAX_DEPTH} deep")
        left = self._both()
        while self._take("or"):
            left = Computed("({} or {})", _or, left, self._both())
        self._depth -= 1
        return left

    def _both(self) -> Formula:
        left = self._claim()
        while self._take("and"):
            left = Computed("({} and {})", _and, left, self._claim())
        return left

    def _claim(self) -> Formula:
        negations = 0
        while self._take("not"):
            negations += 1
        return _negated(self._compared(), negations)

    def _compared(self) -> Formula:
        left = self._binary(0)
        sign = self._take(*_COMPARISONS)
        if sign is None:
            return left
        left = Computed(f"({{}} {sign} {{}})", _COMPARISONS[sign], left, self._binary(0))
        token = self._peek()
        if token is not None and token.text in _COMPARISONS:
            raise self._wrong("'and', 'or' or the end")
        return left

    def _binary(self, level: int) -> Formula:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while (sign := self._take(*_LEVELS[level])) is not None:
            left = Computed(f"({{}} {sign} {{}})", _LEVELS[level][sign], left, self._binary(level + 1))
        return left

    def _unary(self) -> Formula:
        negations = 0
        while self._take("~"):
            negations += 1
        value = self._value()
        if not isinstance(value, int):
            value = Computed("{}", _number, self._looked_into(value))
        return _negated(value, negations)

    def _looked_into(self, value: Expression) -> Expression:
        while (token := self._peek()) is not None and (token.text == "[" or token.kind == "member"):
            self._next += 1
            method = _METHODS.get(token.text)
            if token.text == "[":
                value = Computed("{}[{}]", _element, value, self._choice())
                self._expect("]")
            elif method is not None and self._take("("):
                value = Computed(f"{{}}{token.text}({{}})", method, value, self._choice())
                self._expect(")")
            else:
                value = member(value, token.text[1:])
        return value

    def _value(self) -> Formula:
        if self._take("("):
            inner = self._choice()
            self._expect(")")
            return inner
        token = self._peek()
        if token is None or token.kind not in ("number", "name"):
            raise self._wrong("a number, a name or '('")
        self._next += 1
        if token.kind == "name":
            return self._resolve(token.text)
        return int(token.text, 16 if token.text[:2] in ("0x", "0X") else 10)


def _negated(value: Formula, negations: int) -> Formula:
    for _ in range(min(negations, 2 - negations % 2)):
        value = Computed("~{}", operator.not_, value)
    return value


def _split(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at, end)
        kind = match.lastgroup if match else None
        if match is None or kind is None:
            start = end - len(text[at:end].lstrip())
            raise ValueError(f"{text[start:end][:10]!r} at character {start + 1} is no part of a formula")
        word = match[kind]
        tokens.append(_Token("word" if word in _WORDS else kind, word, match.start(kind) + 1))
        at = match.end()
    return tokens
