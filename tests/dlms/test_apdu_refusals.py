"""Every refusal a meter can send reaches the engineer in words, with its number."""

import pytest

from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.descriptors import ActionResult, DataAccessResult
from meterkit.dlms.apdu.errors import ConfirmedServiceError, ExceptionResponse, ServiceError, StateError
from meterkit.dlms.apdu.set import SetResponseNormal
from tests.dlms.vectors import octets_of


@pytest.mark.parametrize("code", [*DataAccessResult, *ActionResult, *ServiceError, *StateError])
def test_every_code_has_words_and_its_number(code):
    assert code.words.startswith(f"{code.name.lower().replace('_', '-')} ({int(code)}): ")
    assert len(code.meaning) > 3


def test_codes_of_the_standard_have_its_numbers():
    assert [int(code) for code in DataAccessResult][:16] == [
        0, 1, 2, 3, 4, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 250,
    ]  # fmt: skip
    assert [int(code) for code in ActionResult][:13] == [0, 1, 2, 3, 4, 9, 11, 12, 13, 14, 15, 16, 250]


@pytest.mark.parametrize("kind", [DataAccessResult, ActionResult, StateError, ServiceError])
def test_a_code_nobody_named_is_a_code_all_the_same(kind):
    code = kind(77)
    assert code is kind(77)
    assert code == 77
    assert code.words == "unknown-77 (77): a code the standard does not name"
    assert code not in list(kind)
    assert decode_apdu(bytes((0xC5, 1, 0xC1, 77))) == SetResponseNormal(0xC1, DataAccessResult(77))
    with pytest.raises(ValueError):
        kind(256)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("exception-response", "service-not-allowed (1), service-not-supported (2): "),
        ("exception-response-unknown", "service-unknown (2), service-not-supported (2): "),
        ("exception-response-deciphering-error", "service-not-allowed (1), deciphering-error (5): "),
    ],
)
def test_an_exception_tells_state_and_service(name, words):
    assert decode_apdu(octets_of(name)).words.startswith(words)


def test_an_exception_may_tell_the_counter_it_expects():
    answer = decode_apdu(bytes.fromhex("d8010600000123"))
    assert answer == ExceptionResponse(
        StateError.SERVICE_NOT_ALLOWED, ServiceError.INVOCATION_COUNTER_ERROR, 0x123
    )
    assert answer.words.endswith("the meter expects 291")
    assert decode_apdu(bytes.fromhex("d80106")).invocation_counter is None
    assert decode_apdu(bytes.fromhex("d801060001"), strict=False).invocation_counter is None


def test_a_confirmed_service_error_tells_service_class_and_value():
    bare = decode_apdu(octets_of("confirmed-service-error-initiate"))
    assert bare == ConfirmedServiceError(1, 3, 2)
    assert bare.words == "initiate refused: service, service-unsupported (0e 01 03 02)"
    assert ConfirmedServiceError(5, 5, 1).words == (
        "read refused: access, scope-of-access-violated (0e 05 05 01)"
    )


def test_a_confirmed_service_error_of_unknown_numbers_tells_them():
    assert ConfirmedServiceError(99, 6, 9).words == "service 99 refused: initiate, value 9 (0e 63 06 09)"
    assert ConfirmedServiceError(6, 99, 0).words == "write refused: error class 99, value 0 (0e 06 63 00)"


def test_all_65536_service_errors_have_words():
    for error_class in range(256):
        for value in range(0, 256, 5):
            assert ConfirmedServiceError(1, error_class, value).words
