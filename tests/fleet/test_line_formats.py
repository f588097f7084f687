"""Readings as lines: whatever goes in comes out, and no octets do harm."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from meterkit.fleet.readings import Reading, ReadingKind
from meterkit.fleet.sinks.csv import CsvLines
from meterkit.fleet.sinks.flat import from_micros, join_value, micros, split_value
from meterkit.fleet.sinks.jsonl import JsonLines

FORMATS = (JsonLines(), CsvLines())
names = st.text(min_size=1).filter(str.isprintable)
times = st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**40), 10**40),
    st.floats(allow_nan=False),
    st.decimals(allow_nan=False),
    st.text(),
)
readings = st.builds(
    Reading,
    names,
    names,
    times,
    values,
    st.text(),
    st.lists(st.text(max_size=9), max_size=3).map(tuple),
    st.sampled_from(ReadingKind),
    st.none() | st.integers(1, 10**6),
    st.none() | times,
)


@pytest.mark.parametrize("line_format", FORMATS, ids=["jsonl", "csv"])
@given(reading=readings)
@example(reading=Reading("=m", "'c", datetime(2026, 3, 1, tzinfo=UTC), "-1,2", '"', ("@",)))
def test_every_reading_comes_back_from_its_line(line_format, reading):
    line = line_format.encode(reading)
    assert b"\n" not in line
    assert b"\r" not in line
    again = line_format.decode(line)
    assert again == reading
    assert type(again.value) is type(reading.value)
    assert line_format.encode(again) == line


@pytest.mark.parametrize("line_format", FORMATS, ids=["jsonl", "csv"])
@given(reading=readings, later=st.none() | times)
def test_what_a_reading_says_is_its_line_up_to_the_last_comma(line_format, reading, later):
    again = Reading(
        reading.meter, reading.channel, reading.time, reading.value, reading.unit, reading.flags,
        reading.kind, reading.interval, later,
    )  # fmt: skip
    said = [line_format.encode(one).rpartition(b",")[0] for one in (reading, again)]
    assert said[0] == said[1]


@pytest.mark.parametrize("line_format", FORMATS, ids=["jsonl", "csv"])
@given(octets=st.binary())
@example(octets=b"[" * 100_000)
@example(octets=b'{"meter":' * 5000)
@example(octets=b"\xff" * 40)
@example(octets=b"0001-01-01T00:00:00+14:00,m,c,1,,,raw,integer,,")
@example(octets=b'"' + b"x" * 200_000)
def test_any_octets_are_a_reading_or_a_value_error(line_format, octets):
    try:
        found = line_format.decode(octets)
    except ValueError:
        return
    assert isinstance(found, Reading)


WHOLE = JsonLines().encode(Reading("m", "c", datetime(2026, 3, 1, tzinfo=UTC), 5, interval=900))


@pytest.mark.parametrize(("before", "after"), [
    (b'"interval":900', b'"interval":1e999999999'),
    (b'"interval":900', b'"interval":9.5'),
    (b'"interval":900', b'"interval":true'),
    (b'"value":5', b'"value":1e999999999'),
    (b'"value":5', b'"value":[]'),
    (b'"value":5', b'"value":null'),
    (b'"meter":"m"', b'"meter":5'),
    (b'"meter":"m"', b'"meter":""'),
    (b'"flags":[]', b'"flags":[5]'),
    (b'"flags":[]', b'"flags":"ab"'),
    (b'"unit":""', b'"unit":null'),
    (b'"kind":"register"', b'"kind":"rumour"'),
    (b'"kind":"register"', b'"kind":{}'),
    (b'"time":"2026-03-01T00:00:00Z"', b'"time":"2026-03-01T00:00:00"'),
    (b'"time":"2026-03-01T00:00:00Z"', b'"time":"0001-01-01T00:00:00+14:00"'),
    (b'"time":"2026-03-01T00:00:00Z"', b'"time":7'),
    (b'"type":"integer"', b'"type":"complex"'),
    (b'"type":"integer"', b'"type":[]'),
    (b',"read_at":null', b""),
])  # fmt: skip
def test_a_line_of_another_shape_is_a_value_error(before, after):
    assert before in WHOLE
    with pytest.raises(ValueError, match=r".+"):
        JsonLines().decode(WHOLE.replace(before, after))


@given(times)
def test_microseconds_are_exact(time):
    assert from_micros(micros(time)) == time
    assert micros(time + timedelta(microseconds=1)) == micros(time) + 1


@given(values)
def test_a_value_is_its_type_and_its_text(value):
    if isinstance(value, str) or value == value:
        again = join_value(*split_value(value))
        assert (type(again), again) == (type(value), value)
