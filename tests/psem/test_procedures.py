"""ST7 and ST8 as octets."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.psem.procedures import (
    ProcedureResponse,
    ProcedureResult,
    ResponseSelector,
    StandardProcedure,
    decode_response,
    encode_initiate,
    procedure_failure,
    procedure_name,
)
from meterkit.psem.services import ServiceRequest, parse_table_data

VECTORS = {
    v["name"]: v for v in json.loads((Path(__file__).parents[1] / "vectors" / "psem.json").read_text())
}


def data_of(name):
    return bytes.fromhex(VECTORS[name]["expected"]["decoded"][-1]["data"])


@pytest.mark.parametrize("name", ["st7_field_mfg84_le", "st7_field_sp10_selector3_le"])
def test_the_procedure_field_is_as_published(name):
    vector = VECTORS[name]
    expected = vector["expected"]
    octets = encode_initiate(
        expected["proc_nbr"], expected["mfg"], 9, selector=ResponseSelector(expected["selector"])
    )
    assert octets.hex() == vector["hex"] + "09"
    big = encode_initiate(
        expected["proc_nbr"], expected["mfg"], 9, b"", ">", selector=ResponseSelector(expected["selector"])
    )
    assert big[:2] == octets[1::-1]


def test_a_captured_start_is_rebuilt():
    request = ServiceRequest.write_full(7, encode_initiate(StandardProcedure.CLEAR_DATA, False, 0, b"\x01"))
    assert request.encode() == data_of("procedure_write_st7_sp3")


def test_captured_answers_read_as_published():
    under_way = decode_response(parse_table_data(data_of("procedure_st8_in_progress")[1:]))
    assert under_way == ProcedureResponse(ProcedureResult.ACCEPTED_NOT_COMPLETE, b"", 0, 3)
    done = decode_response(parse_table_data(data_of("procedure_st8_completed")[1:]))
    assert done.result is ProcedureResult.COMPLETED
    assert done.data == b"\xaa\xbb"
    assert done.answers(3, False, 0)


def test_an_older_answer_is_told_apart():
    response = decode_response(bytes.fromhex("54 38 07 00"))
    assert response.answers(84, True, 7)
    assert not response.answers(84, True, 8)
    assert not response.answers(84, False, 7)
    assert not response.answers(85, True, 7)


def test_an_undefined_result_is_kept():
    response = decode_response(b"\x03\x00\x01\x7f")
    assert response.result == 0x7F
    assert response.result.name == "RESULT_7F"
    assert response.result is decode_response(b"\x03\x00\x01\x7f").result


def test_a_short_answer_is_a_fault_that_shows_it():
    for octets in (b"", b"\x03\x00\x01"):
        with pytest.raises(ProtocolFault, match=f"{len(octets)} octets came") as caught:
            decode_response(octets)
        assert caught.value.error.kind is ErrorKind.DECODE


def test_names_are_readable():
    assert procedure_name(10) == "SP10 set date time"
    assert procedure_name(67, True) == "MP67"
    assert procedure_name(99) == "SP99"


def test_a_failure_says_what_the_result_means():
    error = procedure_failure(4, False, ProcedureResult.NO_AUTHORIZATION)
    assert (error.kind, error.code) == (ErrorKind.PROCEDURE, 5)
    assert str(error) == (
        "SP4 reset list pointers: the meter answered: no authorization: connect with a password that has "
        "more rights (result 5) [procedure]"
    )
    assert "does not define" in procedure_failure(4, True, ProcedureResult(0x20)).message


def test_what_does_not_fit_is_a_mistake():
    for number, sequence, order in ((2048, 0, "<"), (-1, 0, "<"), (0, 256, "<"), (0, 0, "=")):
        with pytest.raises(ValueError):
            encode_initiate(number, False, sequence, b"", order)
    with pytest.raises(ValueError):
        ProcedureResult(256)


@given(
    st.integers(0, 2047),
    st.booleans(),
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=20),
    st.sampled_from("<>"),
)
def test_what_a_meter_echoes_is_recognised(number, manufacturer, sequence, result, data, order):
    field = encode_initiate(number, manufacturer, sequence, b"", order)
    response = decode_response(field + bytes([result]) + data, order)
    assert response.answers(number, manufacturer, sequence)
    assert (response.number, response.is_manufacturer) == (number, manufacturer)
    assert (response.result, response.data) == (result, data)
