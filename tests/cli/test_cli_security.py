"""Secured DLMS verbs as a person runs them: keys from where they are, rotation, certificates, deciphering."""

import json
import os
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from meterkit.cli import main
from meterkit.cli.dlms.key_source import DEMO_SIGNING, demo_keys, key_source
from meterkit.cli.usage import UsageMistake
from meterkit.dlms.security import KeyKind, SecuritySuite
from meterkit.dlms.security.certificate_requests import CertificateRequest
from meterkit.dlms.security.keys import private_key_of
from tests.cli.conftest import Done
from tests.cli.test_cli_dlms import DlmsEmulator
from tests.dlms.authority import Authority

ENERGY = "3/1-0:1.8.0/2"
METER = "4D4B540001352881"
ENCRYPTION, AUTHENTICATION = "000102030405060708090a0b0c0d0e0f", "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
MASTER = "404142434445464748494a4b4c4d4e4f"
GMAC = ("--auth", "gmac", "--system-title", "CLIENT01")
YES = "--yes"


@pytest.fixture
def here(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Done]:
    """Run the command in this process, with counters of its own."""

    def run(*words: str, **environment: str) -> Done:
        monkeypatch.setenv("COLUMNS", "120")
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        status = main(words)
        out, err = capsys.readouterr()
        return Done(words, status, out, err)

    return run


@pytest.fixture
def start() -> Iterator[Callable[..., DlmsEmulator]]:
    """Start meters that end with the test."""
    started: list[DlmsEmulator] = []

    def begin(*words: str) -> DlmsEmulator:
        started.append(DlmsEmulator("--listen", "tcp://127.0.0.1:0", "--seed", "3", *words))
        return started[-1]

    yield begin
    for emulator in started:
        emulator.stop()


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A file with the demonstration meter's keys."""
    file = tmp_path / "keys.toml"
    file.write_text(
        f'[default]\nmaster = "{MASTER}"\n\n[{METER}]\nencryption = "{ENCRYPTION}"\n'
        f'authentication = "{AUTHENTICATION}"\n'
    )
    file.chmod(0o600)
    return file


def by_file(keys: Path) -> tuple[str, ...]:
    return (*GMAC, "--key-from", f"file:{keys}", "--meter", METER)


def shows_no_key(*texts: str) -> bool:
    said = "".join(texts).lower().replace(" ", "")
    return not any(key in said for key in (ENCRYPTION, AUTHENTICATION, MASTER))


# ------------------------------------------------------------------ an association
def test_the_emulator_tells_what_a_client_needs_and_that_is_enough(here, start) -> None:
    emulator = start("--auth", "gmac")
    assert emulator.process.stderr is not None
    hints = [emulator.process.stderr.readline() for _ in range(3)]
    command = hints[1].partition("meterkit ")[2].replace("'", "").split()
    done = here(*command)
    assert done.returncode == 0
    assert "MKT20260001" in done.stdout
    assert METER in hints[2]
    assert shows_no_key(*hints, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("auth", "more"),
    [
        ("gmac", ()),
        ("gmac", ("--suite", "2")),
        ("sha256", ()),
        ("ecdsa", ("--suite", "1")),
        ("ecdsa", ("--suite", "2")),
        ("low", ("--allow-weak",)),
        ("md5", ("--allow-weak", "--security", "authentication")),
    ],
)
def test_every_authentication_is_asked_for_by_a_flag(here, start, auth: str, more: tuple[str, ...]) -> None:
    flags = tuple(word for word in more if word != "--allow-weak")
    emulator = start("--auth", auth, *flags)
    words = ("--auth", auth, *more, "--system-title", "CLIENT01", "--key-from", "demo")
    done = here("dlms", "get", emulator.as_client(1), ENERGY, "--json", *words)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


def test_what_is_no_secret_may_stand_in_the_url_and_flags_go_before_it(here, start) -> None:
    emulator = start("--auth", "gmac")
    settings = (
        "&authentication=high_level_security_gmac&system_title=434C49454E543031"
        "&security=authentication&counter_object=0.0.43.1.0.255"
    )
    url = emulator.as_client(1) + settings
    refused = here("dlms", "get", url, ENERGY, "--key-from", "demo")
    assert refused.returncode == 1  # the meter wants encryption, too
    done = here("dlms", "get", url, ENERGY, "--key-from", "demo", "--security", "authentication-encryption")
    assert done.returncode == 0


def test_keys_come_from_the_environment_and_from_a_file(here, start, keys: Path) -> None:
    emulator = start("--auth", "gmac", "--key-from", f"file:{keys}")
    assert here("dlms", "get", emulator.as_client(1), ENERGY, *by_file(keys)).returncode == 0
    done = here(
        *("dlms", "get", emulator.as_client(1), ENERGY, *GMAC, "--key-from", "env:CELLAR"),
        CELLAR_ENCRYPTION=ENCRYPTION,
        CELLAR_AUTHENTICATION=AUTHENTICATION,
    )
    assert done.returncode == 0


def test_keys_are_asked_for_at_the_terminal(here, start, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator, asked = start("--auth", "gmac"), []
    typed = {"global unicast encryption key": ENCRYPTION, "authentication key": AUTHENTICATION}

    def getpass(prompt: str) -> str:
        asked.append(prompt.partition(",")[0])
        return typed[asked[-1]]

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", getpass)
    done = here("dlms", "get", emulator.as_client(1), ENERGY, *GMAC, "--key-from", "prompt")
    assert done.returncode == 0, done.stderr
    assert asked == list(typed)
    typed["authentication key"] = "no hex"
    refused = here("dlms", "get", emulator.as_client(1), ENERGY, *GMAC, "--key-from", "prompt")
    assert refused.returncode == 2
    assert "no hex" not in refused.stderr.replace("is no hex", "")


def test_an_emulator_that_was_started_anew_is_still_believed(here, start) -> None:
    words = (ENERGY, *GMAC, "--key-from", "demo")
    for _ in range(2):
        emulator = start("--auth", "gmac")
        for _ in range(3):
            assert here("dlms", "get", emulator.as_client(1), *words).returncode == 0
        emulator.stop()


def test_counters_are_kept_where_it_is_said(here, start, keys: Path, tmp_path: Path) -> None:
    emulator, counters = start("--auth", "gmac"), tmp_path / "counters.db"
    words = ("--key-from", "demo", "--counters", str(counters))
    assert here("dlms", "get", emulator.as_client(1), ENERGY, *GMAC, *words).returncode == 0
    assert counters.stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "state").exists()


URL = "dlms+tcp://127.0.0.1:9?client=1"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--auth", "gmac", "--key-from", "demo"), "--system-title says who we are"),
        (GMAC, "--key-from says where keys are"),
        (("--auth", "low", "--system-title", "CLIENT01", "--key-from", "demo"), "say --allow-weak"),
        ((*GMAC, "--key-from", ENCRYPTION), "never stands on a command line"),
        ((*GMAC, "--key-from", "file:nowhere.toml"), "there is no file nowhere.toml"),
        ((*GMAC, "--key-from", "demo", "--suite", "3"), "0, 1 or 2"),
        ((*GMAC, "--key-from", "prompt"), "needs a terminal"),
        (("--auth", "gmac", "--system-title", "SHORT", "--key-from", "demo"), "8 octets"),
        (("--auth", "best"), "gmac"),
    ],
)
def test_wrong_flags_are_told_with_what_mends_them(here, words: tuple[str, ...], told: str) -> None:
    done = here("dlms", "get", URL, ENERGY, *words)
    assert done.returncode == 2
    assert told in done.stderr
    assert shows_no_key(done.stdout, done.stderr)


def test_a_key_in_a_url_is_refused_and_not_repeated(here) -> None:
    for name in ("encryption_key", "key", "master_key", "password", "signing_key"):
        done = here("dlms", "info", f"{URL}&{name}={ENCRYPTION}")
        assert done.returncode == 2
        assert "never carries" in done.stderr
        assert shows_no_key(done.stderr)


def test_a_source_without_the_keys_is_told(here) -> None:
    done = here("dlms", "get", URL, ENERGY, *GMAC, "--key-from", "env:NOTHING_HERE")
    assert done.returncode == 1
    assert "has nothing for: encryption, authentication" in done.stderr


def test_wrong_keys_are_told(here, start, keys: Path) -> None:
    emulator = start("--auth", "gmac")
    keys.write_text(keys.read_text().replace(ENCRYPTION, "11" * 16))
    done = here("dlms", "get", emulator.as_client(1), ENERGY, *by_file(keys))
    assert done.returncode == 1
    assert "wrong key" in done.stderr


def test_sources_are_spelled_in_one_way() -> None:
    for spelled in ("", "env:", "file:", "prompt:x", "demo:1", "hex:00"):
        with pytest.raises(UsageMistake, match="takes env:NAME"):
            key_source(spelled, SecuritySuite.SUITE_0)
    assert repr(key_source("keyring:cellar", SecuritySuite.SUITE_0)) == "KeyringVault('cellar')"
    assert demo_keys(SecuritySuite.SUITE_2).key("any", KeyKind.MASTER) == bytes.fromhex(MASTER) * 2


# ------------------------------------------------------------------ rotation
def test_a_dry_run_says_what_would_be_done_and_calls_nobody(here, keys: Path) -> None:
    before = keys.read_text()
    done = here("dlms", "keys", "rotate", URL, *by_file(keys), "--dry-run", "--json")
    plan = json.loads(done.stdout)
    assert (done.returncode, plan["step"], plan["meter"]) == (0, "anew", METER)
    assert [(one["key"], one["new"]) for one in plan["changes"]] == [
        ("encryption", None),
        ("authentication", None),
    ]
    told = here("dlms", "keys", "rotate", URL, *by_file(keys), "--dry-run", "--key", "master").stdout
    assert "nothing was changed" in told
    assert keys.read_text() == before
    assert shows_no_key(done.stdout, told)


def test_keys_are_rotated_and_in_use_afterwards(here, start, keys: Path) -> None:
    emulator = start("--auth", "gmac", "--key-from", f"file:{keys}")
    url = emulator.as_client(1)
    done = here("dlms", "keys", "rotate", url, *by_file(keys), YES, "--json")
    assert (done.returncode, json.loads(done.stdout)["outcome"]) == (0, "transferred")
    table = tomllib.loads(keys.read_text())[METER]
    assert table["former"] == {"encryption": ENCRYPTION, "authentication": AUTHENTICATION}
    assert here("dlms", "get", url, ENERGY, *by_file(keys)).returncode == 0
    shown = json.loads(here("dlms", "keys", "show", url, *by_file(keys), "--json").stdout)
    assert shown["keys"]["pending"] == {}
    assert shown["server_system_title"].upper() == METER
    assert "fingerprint" in here("dlms", "keys", "show", url, *by_file(keys)).stdout
    assert table["encryption"] not in done.stdout + done.stderr + json.dumps(shown)


def test_an_answer_that_is_lost_leaves_both_keys_and_the_same_command_goes_on(
    here, start, keys: Path, tmp_path: Path
) -> None:
    config = tmp_path / "meter.json"
    security = {"encryption_key": f"hex:{ENCRYPTION}", "authentication_key": f"hex:{AUTHENTICATION}"}
    client = {"sap": 1, "authentication": "hls5", "clearance": 2}
    client["security"] = security | {"master_key": f"hex:{MASTER}"}
    config.write_text(json.dumps({"clients": [client], "faults": {"untaken_keys": 1}}))
    emulator = start("--config", str(config))
    url = emulator.as_client(1)
    done = here("dlms", "keys", "rotate", url, *by_file(keys), YES)
    assert done.returncode == 1
    assert "pending" in done.stderr
    assert set(tomllib.loads(keys.read_text())[METER]["pending"]) == {"encryption", "authentication"}
    assert here("dlms", "get", url, ENERGY, *by_file(keys)).returncode == 0  # both are tried
    assert "unfinished" in here("dlms", "keys", "show", url, *by_file(keys)).stdout
    plan = here("dlms", "keys", "rotate", url, *by_file(keys), "--dry-run", "--json")
    assert json.loads(plan.stdout)["step"] == "resume"
    assert here("dlms", "keys", "rotate", url, *by_file(keys), YES).returncode == 0
    assert "pending" not in tomllib.loads(keys.read_text())[METER]
    assert here("dlms", "get", url, ENERGY, *by_file(keys)).returncode == 0


def test_new_keys_may_come_from_elsewhere_and_be_kept_elsewhere(here, start, tmp_path: Path) -> None:
    emulator, kept = start("--auth", "gmac"), tmp_path / "kept.toml"
    words = (*GMAC, "--key-from", "demo", "--meter", METER)
    refused = here("dlms", "keys", "rotate", emulator.as_client(1), *words, YES)
    assert refused.returncode == 2
    assert "--keep-in file:PATH" in refused.stderr
    done = here(
        *("dlms", "keys", "rotate", emulator.as_client(1), *words, YES, "--keep-in", f"file:{kept}"),
        *("--new-key-from", "env:NEW", "--key", "encryption"),
        NEW_ENCRYPTION="77" * 16,
    )
    assert done.returncode == 0, done.stderr
    assert tomllib.loads(kept.read_text())[METER]["encryption"] == "77" * 16
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_key_typed_for_the_place_that_keeps_keys_is_not_shown(here) -> None:
    typed = "0F" * 16
    words = (*GMAC, "--key-from", "demo", "--meter", METER, "--keep-in", typed)
    done = here("dlms", "keys", "rotate", URL, *words, YES)
    assert done.returncode == 2
    assert "--keep-in: new keys have to be kept" in done.stderr
    assert typed not in done.stderr + done.stdout


def test_pending_keys_can_be_forgotten(here, keys: Path) -> None:
    keys.write_text(keys.read_text() + f'[{METER}.pending]\nencryption = "{"22" * 16}"\n')
    done = here("dlms", "keys", "rotate", URL, *by_file(keys), "--forget", YES, "--json")
    assert json.loads(done.stdout) == {"meter": METER, "forgotten": ["encryption"]}
    assert "pending" not in keys.read_text()
    assert "nothing is pending" in here("dlms", "keys", "rotate", URL, *by_file(keys), "--forget").stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((*GMAC, "--key-from", "demo"), "say whose keys they are"),
        (
            (*GMAC, "--key-from", "demo", "--meter", METER, "--keep-in", "env:X"),
            "which file: and keyring: can",
        ),
        (("--meter", METER), "say where keys are"),
    ],
)
def test_a_rotation_that_is_not_whole_is_refused(here, words: tuple[str, ...], told: str) -> None:
    done = here("dlms", "keys", "rotate", URL, *words, YES)
    assert done.returncode == 2
    assert told in done.stderr


def test_without_a_terminal_nothing_is_done_unasked(here, keys: Path) -> None:
    before = keys.read_text()
    for verb in ("rotate", "policy"):
        words = ("authentication-encryption",) if verb == "policy" else ()
        done = here("dlms", "keys", verb, URL, *words, *by_file(keys))
        assert done.returncode == 2
        assert "--yes" in done.stderr
    assert keys.read_text() == before


def test_a_policy_is_raised_and_never_lowered(here, start) -> None:
    emulator = start("--auth", "gmac", "--security", "authentication")
    words = (emulator.as_client(1), "authentication-encryption", *GMAC, "--key-from", "demo", YES)
    assert here("dlms", "keys", "policy", *words).returncode == 0
    lower = (words[0], "authentication", *words[2:])
    done = here("dlms", "keys", "policy", *lower)
    assert done.returncode == 1


# ------------------------------------------------------------------ certificates
def test_a_certificate_goes_from_request_to_import_and_back(here, start, tmp_path: Path) -> None:
    emulator, authority = start("--auth", "ecdsa", "--suite", "1"), Authority()
    access = ("--auth", "ecdsa", "--suite", "1", "--system-title", "CLIENT01", "--key-from", "demo")
    url = emulator.as_client(1)
    csr, ca, own = tmp_path / "meter.csr", tmp_path / "ca.der", tmp_path / "meter.pem"
    ca.write_bytes(authority.certificate)
    assert "no certificates" in here("dlms", "keys", "certificates", url, *access).stdout
    assert here("dlms", "keys", "import", url, str(ca), *access, YES).returncode == 0
    assert here("dlms", "keys", "request", url, "signing", "--out", str(csr), *access).returncode == 0
    assert here("dlms", "keys", "request", url, "signing", "--out", str(csr), *access).returncode == 2
    from cryptography import x509

    request = CertificateRequest.decode(x509.load_pem_x509_csr(csr.read_bytes()).public_bytes(Encoding.DER))
    der = authority.issue(bytes.fromhex(METER), request.public_key)
    own.write_bytes(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM))
    assert here("dlms", "keys", "import", url, str(own), *access, YES, "--json").returncode == 0
    listed = json.loads(here("dlms", "keys", "certificates", url, *access, "--json").stdout)["certificates"]
    assert [one["entity"] for one in listed] == ["certification_authority", "server"]
    number = str(listed[1]["serial_number"])
    assert METER in here("dlms", "keys", "certificates", url, *access).stdout
    exported = here("dlms", "keys", "export", url, number, *access).stdout
    assert x509.load_pem_x509_certificate(exported.encode()).public_bytes(Encoding.DER) == der
    assert here("dlms", "keys", "remove", url, number, *access, YES).returncode == 0
    gone = here("dlms", "keys", "export", url, number, *access)
    assert gone.returncode == 2
    assert "keeps no certificate" in gone.stderr
    assert here("dlms", "keys", "import", url, str(csr), *access, YES).returncode == 2


def test_the_demonstration_key_pairs_are_the_emulators() -> None:
    for suite in (SecuritySuite.SUITE_1, SecuritySuite.SUITE_2):
        assert private_key_of(suite, DEMO_SIGNING[suite.coordinate_size])


# ------------------------------------------------------------------ decode
GET_CIPHERED = "C81E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B"
SENDER = "4D4D4D0000BC614E"


def test_decode_deciphers_with_keys(here, keys: Path) -> None:
    words = ("--key-from", f"file:{keys}", "--meter", METER, "--system-title", SENDER)
    told = here("decode", GET_CIPHERED, *words)
    assert told.returncode == 0
    assert f"verified, sender {SENDER}" in told.stdout
    assert "get-request-normal" in told.stdout
    tree = json.loads(here("decode", GET_CIPHERED, *words, "--json").stdout)["tree"]
    assert tree[0]["children"][-1]["name"] == "deciphered"
    assert shows_no_key(told.stdout, json.dumps(tree))


def test_decode_tells_what_it_can_not_decipher(here, keys: Path) -> None:
    told = here("decode", GET_CIPHERED, "--key-from", f"file:{keys}", "--meter", METER)
    assert "the sender's system title is not known" in told.stdout
    wrong = ("--key-from", f"file:{keys}", "--meter", METER, "--system-title", "4D")
    assert here("decode", GET_CIPHERED, *wrong).returncode == 2
    assert here("decode", GET_CIPHERED, "--system-title", SENDER).returncode == 2


# ------------------------------------------------------------------ the emulated meter
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--suite", "1"), "go with --auth"),
        (("--auth", "gmac", "--suite", "9"), "0, 1 or 2"),
        (("--auth", "ecdsa"), "suite 0 has no signatures"),
        (("--auth", "ecdsa", "--suite", "1", "--key-from", "env:X"), "take demo"),
        (("--auth", "gmac", "--key-from", "env:NOTHING_HERE"), "encryption_key"),
    ],
)
def test_an_emulator_without_what_it_needs_is_refused(here, words: tuple[str, ...], told: str) -> None:
    done = here("emulate", "dlms", *words)
    assert done.returncode == 2
    assert told in done.stderr


def test_the_file_of_keys_is_for_its_owner_alone(here, keys: Path) -> None:
    os.chmod(keys, 0o644)
    done = here("dlms", "get", URL, ENERGY, *by_file(keys))
    assert done.returncode == 1
    assert "chmod 600" in done.stderr


def test_help_teaches_where_keys_come_from() -> None:
    done = subprocess.run(
        [os.sys.executable, "-m", "meterkit.cli", "dlms", "keys", "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "chmod 600" in done.stdout
    assert "NAME_MASTER" in done.stdout
