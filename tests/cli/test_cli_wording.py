"""Wrong options, URLs and files are told in our words: the option, what came, what is allowed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from meterkit.address import AddressError, MeterAddress
from meterkit.cli.access import Access
from meterkit.cli.meter import merge
from meterkit.cli.usage import UsageMistake
from meterkit.emulator import EmulatorConfiguration
from meterkit.options import DlmsClientOptions, PsemClientOptions, SerialOptions, TcpOptions
from meterkit.wording import flaw_text

#: How pydantic and cyclopts speak, which nobody at a meter should have to read.
FOREIGN = (
    "Input should",
    "Value error",
    "Extra inputs",
    "unable to",
    "Invalid value",
    "Unused Tokens",
    "valid ",
)

PORT = "psem+serial:///dev/ttyUSB0"
HOST = "psem+tcp://10.0.0.7"


def refusal_of(url: str) -> str:
    with pytest.raises(AddressError) as refused:
        MeterAddress.parse(url)
    return refused.value.quoting


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (f"{HOST}?packet_size=9", "the address: packet_size: '9' came, 64 or more is allowed"),
        (f"{HOST}?packet_size=9000", "the address: packet_size: '9000' came, 8192 or less is allowed"),
        (f"{HOST}?retries=many", "the address: retries: 'many' came, a whole number is allowed"),
        (f"{HOST}?response_timeout=soon", "the address: response_timeout: 'soon' came, a number is allowed"),
        (
            f"{HOST}?response_timeout=nan",
            "the address: response_timeout: 'nan' came, a finite number is allowed",
        ),
        (f"{HOST}?echo=maybe", "the address: echo: 'maybe' came, true or false is allowed"),
        (f"{PORT}?parity=Q", "the address: parity: 'Q' came, 'N', 'E' or 'O' is allowed"),
        (f"{PORT}?data_bits=9", "the address: data_bits: '9' came, 7 or 8 is allowed"),
        (f"{PORT}?rts=up", "the address: rts: 'up' came, true or false is allowed"),
    ],
)
def test_a_wrong_setting_of_a_url_is_told_with_what_came_and_what_is_allowed(url: str, told: str) -> None:
    assert refusal_of(url) == told


def test_every_wrong_setting_of_a_url_is_told_at_once() -> None:
    told = refusal_of(f"{HOST}?packet_size=9&retries=-1&user_name=far-too-long-a-name")
    assert told.count("came") == 3
    assert "Logon carries at most 10 ASCII characters" in told


def test_a_long_value_is_shortened() -> None:
    assert len(refusal_of(f"{HOST}?retries={'9' * 5000}")) < 120


def test_a_list_in_a_url_is_checked_piece_by_piece() -> None:
    assert "no code for 1 baud" in refusal_of(f"{HOST}?baud_rates=9600,1")
    assert "'fast' came" in refusal_of(f"{HOST}?baud_rates=9600,fast")


@pytest.mark.parametrize("url", [f"{HOST}?password=geheim&packet_size=9", f"{HOST}?speed=9&packet_size=9"])
def test_unknown_and_secret_names_are_refused_in_the_address_own_words(url: str) -> None:
    told = refusal_of(url)
    assert "packet_size: '9'" not in told
    assert "geheim" not in told


@pytest.mark.parametrize(
    ("access", "told"),
    [
        (Access(user_id=70000), "--user-id: 70000 came, 65535 or less is allowed"),
        (Access(user_name="much_too_long"), "--user-name: 'much_too_long' came, Logon carries at most"),
        (Access(baud_rate=(5,)), "--baud-rate: C12.18 has no code for 5 baud"),
    ],
)
def test_a_wrong_flag_is_told_by_the_name_that_was_typed(access: Access, told: str) -> None:
    with pytest.raises(UsageMistake) as refused:
        merge(PsemClientOptions(), access)
    assert str(refused.value).startswith(told)


def wrong_values() -> list[tuple[type[BaseModel], dict[str, Any]]]:
    """Every field of every model that a person sets, with values that few fields take."""
    needed: dict[type[BaseModel], dict[str, Any]] = {
        PsemClientOptions: {},
        DlmsClientOptions: {},
        TcpOptions: {"host": "any"},
        SerialOptions: {"port": "any"},
        EmulatorConfiguration: {},
    }
    values: list[object] = [-1, 10**30, 1.5, "", "x" * 100, None, [], ["x"], [None] * 20, {"x": 1}, True]
    return [
        (model, {**rest, name: value})
        for model, rest in needed.items()
        for name in [*model.model_fields, "no_such_name"]
        for value in values
    ]


def test_no_setting_is_refused_in_foreign_words() -> None:
    refused = 0
    for model, values in wrong_values():
        try:
            model.model_validate(values)
        except ValidationError as invalid:
            refused += 1
            told = flaw_text(invalid)
            assert not any(words in told for words in FOREIGN), told
            assert "\n" not in told
    assert refused > 200


def test_a_mistyped_key_is_not_quoted_back() -> None:
    for name in ("master_key", "read_key", "authentication_key"):
        with pytest.raises(ValidationError) as invalid:
            EmulatorConfiguration.model_validate({name: "hidden" * 9})
        assert "hidden" not in flaw_text(invalid.value)
        assert name in flaw_text(invalid.value)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("psem", "read"), "URL is missing (meterkit psem read --help tells how)"),
        (("psem", "read", HOST), "TABLE is missing (meterkit psem read --help tells how)"),
        (("psem", "info", HOST, "--user-id", "x"), "--user-id: 'x' came, a whole number is allowed"),
        (("psem", "info", HOST, "--user-id"), "--user-id wants a word after it, and none came"),
        (("psem", "info", HOST, "more"), "'more' is one word too many"),
        (("psem", "info", HOST, "a", "b"), "'a', 'b' are words too many"),
        (("demo", "--seed", "x"), "--seed: 'x' came, a whole number is allowed (meterkit demo --help"),
        (("psem", "procedure", HOST, "remote-rest"), "did you mean remote-reset"),
    ],
)
def test_a_wrong_command_line_is_told_with_what_is_allowed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], told: str
) -> None:
    from meterkit.cli import main

    monkeypatch.setenv("COLUMNS", "200")
    assert main(words) == 2
    err = capsys.readouterr().err
    assert told in err
    assert not any(foreign in err for foreign in FOREIGN)


def test_a_wrong_configuration_file_is_told_by_the_path_of_the_setting(
    meterkit: Callable, tmp_path: Path
) -> None:
    file = tmp_path / "emulator.json"
    file.write_text('{"load_profile": [{"blocks": 0}], "byte_order": "middle", "serial_nr": "1"}')
    done = meterkit("emulate", "psem", "--config", str(file))
    assert done.returncode == 2
    assert "load_profile.0.blocks: 0 came, 1 or more is allowed" in done.stderr
    assert "byte_order: 'middle' came, 'little' or 'big' is allowed" in done.stderr
    assert "serial_nr: there is no such setting" in done.stderr
