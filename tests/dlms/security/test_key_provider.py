"""Keys from memory, environment, file and keyring; none of them in a message or a repr."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

from meterkit.dlms.secured.key_provider import (
    EnvironmentKeys,
    FileKeys,
    KeyKind,
    KeyProvider,
    KeyringKeys,
    MemoryKeys,
)
from meterkit.errors import ErrorKind, ProtocolFault
from tests.dlms.security.material import AK, EK, OTHER_KEY

METER = "4D4D4D0000BC614E"
UNICAST, MASTER, PASSWORD = KeyKind.GLOBAL_UNICAST_ENCRYPTION, KeyKind.MASTER, KeyKind.PASSWORD
WRITTEN = {
    (METER, UNICAST): EK.hex(),
    ("default", UNICAST): OTHER_KEY.hex(),
    ("default", MASTER): AK.hex(),
    (METER, PASSWORD): "text:so secret",
}


def in_memory() -> KeyProvider:
    return MemoryKeys(
        {
            place: written[5:].encode() if written.startswith("text:") else bytes.fromhex(written)
            for place, written in WRITTEN.items()
        }
    )


def in_environment() -> KeyProvider:
    named = {
        "METERKIT_" + ("" if meter == "default" else f"{meter}_") + kind.value.upper(): written
        for (meter, kind), written in WRITTEN.items()
    }
    return EnvironmentKeys(environment=named)


def in_file(path: Path) -> KeyProvider:
    lines = [f'{meter}.{kind.value} = "{written}"' for (meter, kind), written in WRITTEN.items()]
    path.write_text("\n".join(lines))
    path.chmod(0o600)
    return FileKeys(path)


def in_keyring(monkeypatch: pytest.MonkeyPatch) -> KeyProvider:
    module = types.ModuleType("keyring")
    held = {f"{meter}/{kind.value}": written for (meter, kind), written in WRITTEN.items()}
    module.get_password = lambda service, user: held.get(user) if service == "meterkit" else None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", module)
    return KeyringKeys()


@pytest.fixture(params=["memory", "environment", "file", "keyring"])
def keys(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeyProvider:
    match request.param:
        case "memory":
            return in_memory()
        case "environment":
            return in_environment()
        case "file":
            return in_file(tmp_path / "keys.toml")
        case _:
            return in_keyring(monkeypatch)


def test_a_meters_own_key_goes_before_everybodys(keys: KeyProvider) -> None:
    assert keys.key(METER, UNICAST) == EK
    assert keys.key("OTHER", UNICAST) == OTHER_KEY
    assert keys.key(METER, MASTER) == AK
    assert keys.key(METER, PASSWORD) == b"so secret"
    assert keys.key("OTHER", PASSWORD) is None
    assert keys.key(METER, KeyKind.SIGNING) is None


def test_no_repr_shows_a_key(keys: KeyProvider) -> None:
    shown = repr(keys)
    for secret in (EK, AK, OTHER_KEY, b"so secret"):
        assert secret.hex() not in shown
        assert repr(secret)[2:-1] not in shown


def refusal(keys: KeyProvider) -> str:
    with pytest.raises(ProtocolFault) as refused:
        keys.key(METER, UNICAST)
    assert refused.value.error.kind is ErrorKind.SECURITY
    assert "5f5f" not in str(refused.value)
    return str(refused.value.error)


def test_what_is_no_hex_is_told_by_its_place_alone() -> None:
    assert "METERKIT_ENCRYPTION: hex digits" in refusal(
        EnvironmentKeys(environment={"METERKIT_ENCRYPTION": "5f5fxx"})
    )


def test_names_of_meters_become_names_of_variables() -> None:
    keys = EnvironmentKeys("LAB", {"LAB_METER_1_A_MASTER": "00"})
    assert keys.key("meter-1.a", MASTER) == b"\0"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_file_that_others_may_read_is_refused(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    keys = in_file(path)
    path.chmod(mode)
    assert f"others may read it ({mode:o}): chmod 600 it" in refusal(keys)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (b"encryption 5f5f", "TOML expected"),
        (b"\xff", "UTF-8"),
        (b'[default]\nencryption = "5f5fx"', "[default] encryption: hex digits"),
        (b"[default]\nencryption = 5", "[default] encryption: hex digits"),
    ],
)
def test_a_file_that_is_wrong_is_refused_without_its_keys(written: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_bytes(written)
    path.chmod(0o600)
    assert told in refusal(FileKeys(path))


def test_a_section_that_is_none_has_no_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text("default = 3")
    path.chmod(0o600)
    assert FileKeys(path).key(METER, UNICAST) is None


def test_no_file_is_told(tmp_path: Path) -> None:
    assert "keys.toml: No such file" in refusal(FileKeys(tmp_path / "keys.toml"))


def test_without_the_extra_the_keyring_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert "pip install 'meterkit[keyring]'" in refusal(KeyringKeys())


def test_a_keyring_that_does_not_open_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(service: str, user: str) -> str:
        raise RuntimeError("5f5f")

    module = types.ModuleType("keyring")
    module.get_password = locked  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", module)
    assert "keyring meterkit: RuntimeError" in refusal(KeyringKeys())
