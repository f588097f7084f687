from __future__ import annotations

import pytest

from meterkit.codec.cursor import Reader, Writer
from meterkit.errors import ErrorKind, ProtocolFault


def test_values_come_off_the_front_in_either_octet_order() -> None:
    reader = Reader(bytes.fromhex("0102fffe80"))
    assert reader.unsigned(2) == 0x0102
    reader.order = "little"
    assert reader.signed(2) == -257
    assert reader.left == 1
    assert reader.rest() == b"\x80"
    assert reader.rest() == b""
    reader.finish()


def test_a_reader_never_runs_past_its_octets_and_takes_nothing_then() -> None:
    reader = Reader(b"\x01\x02\x03", where="ST8")
    reader.take(2)
    with pytest.raises(ProtocolFault) as caught:
        reader.unsigned(2, "result")
    assert caught.value.error.kind is ErrorKind.DECODE
    assert str(caught.value.error) == "ST8: result: 2 octets expected at 2, 1 left [decode]"
    assert reader.take(1) == b"\x03"


def test_octets_left_over_are_shown() -> None:
    reader = Reader(b"\x01\x02\x03")
    reader.take(1)
    with pytest.raises(ProtocolFault, match="2 octets too many after 1: 02 03"):
        reader.finish()


def test_a_negative_count_is_the_programmers_mistake() -> None:
    with pytest.raises(ValueError, match="cannot take -1"):
        Reader(b"").take(-1)


def test_a_writer_puts_what_a_reader_takes() -> None:
    octets = Writer(order="little").put(b"\xee").unsigned(0x010203, 3).signed(-2, 2).getvalue()
    assert octets == bytes.fromhex("ee030201feff")


def test_a_writer_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="256 does not fit 1 unsigned"):
        Writer().unsigned(256, 1)
    with pytest.raises(ValueError, match="-129 does not fit 1 signed"):
        Writer().signed(-129, 1)
