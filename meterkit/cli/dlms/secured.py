"""The security of a DLMS verb: flags and URL become the options of a secured client."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from meterkit.address import AddressError, MeterAddress
from meterkit.cli.dlms.access import DlmsAccess
from meterkit.cli.dlms.key_source import PromptKeys, key_source
from meterkit.cli.usage import UsageMistake
from meterkit.dlms.acse.apdus import AuthenticationMechanism
from meterkit.dlms.secured.counter_store import SqliteCounterStore
from meterkit.dlms.security import KeyKind, SecuritySuite
from meterkit.options import DlmsClientOptions

MECHANISMS: Final = {
    "none": AuthenticationMechanism.NONE,
    "low": AuthenticationMechanism.LOW_LEVEL_SECURITY,
    "high": AuthenticationMechanism.HIGH_LEVEL_SECURITY,
    "md5": AuthenticationMechanism.HIGH_LEVEL_SECURITY_MD5,
    "sha1": AuthenticationMechanism.HIGH_LEVEL_SECURITY_SHA1,
    "gmac": AuthenticationMechanism.HIGH_LEVEL_SECURITY_GMAC,
    "sha256": AuthenticationMechanism.HIGH_LEVEL_SECURITY_SHA256,
    "ecdsa": AuthenticationMechanism.HIGH_LEVEL_SECURITY_ECDSA,
}
STRONGEST: Final = "authentication_encryption"
_ASKED_FOR: Final = {
    "encryption_key": KeyKind.GLOBAL_UNICAST_ENCRYPTION,
    "authentication_key": KeyKind.AUTHENTICATION,
    "master_key": KeyKind.MASTER,
    "signing_key": KeyKind.SIGNING,
    "server_signing_key": KeyKind.SERVER_SIGNING,
    "agreement_key": KeyKind.AGREEMENT,
    "server_agreement_key": KeyKind.SERVER_AGREEMENT,
}
#: What to say on a command line to what the options find missing.
_TAUGHT: Final = {
    "system_title": "--system-title says who we are",
    "encryption_key": "--key-from says where keys are",
    "authentication_key": "--key-from says where keys are",
    "signing_key": "--key-from says where keys are",
}


def secured_address(url: str, access: DlmsAccess) -> MeterAddress:
    """Return the address with what the flags say over it.  Errors: UsageMistake."""
    given = _fields(url, access)
    try:
        return MeterAddress.parse(url, given)
    except AddressError as mistake:
        raise UsageMistake(_taught(mistake.quoting)) from None


def ask_for_keys(options: DlmsClientOptions, *also: KeyKind) -> None:
    """Ask at the terminal for what this association needs, if that is where keys come from."""
    if not isinstance(options.keys, PromptKeys):
        return
    kinds = [_ASKED_FOR[name] for name in options.needed_keys]
    if options.needs_password:
        kinds.append(KeyKind.PASSWORD)
    options.keys.ask((*kinds, *also))


def _fields(url: str, access: DlmsAccess) -> dict[str, Any]:
    """Return the options that the flags give.  Errors: UsageMistake."""
    in_url = dict(parse_qsl(urlsplit(url).query)) if "://" in url else {}
    fields: dict[str, Any] = {
        "security": None if access.security is None else access.security.replace("-", "_"),
        "suite": None if access.suite is None else _suite(access.suite),
        "system_title": access.system_title,
        "meter": access.meter,
        "counter_object": access.counter_object,
    }
    given = {name: value for name, value in fields.items() if value is not None}
    if access.auth is not None:
        given["authentication"] = MECHANISMS[access.auth]
    if access.allow_weak:
        given["allow_weak"] = True
    if access.counters is not None:
        given["counters"] = SqliteCounterStore(access.counters)
    if access.key_from is not None:
        suite = given.get("suite", _suite_in(in_url.get("suite", "")))
        given["keys"] = key_source(access.key_from, suite)
        if "security" not in given and "security" not in in_url:
            given["security"] = STRONGEST
    return given


def _suite(number: int) -> SecuritySuite:
    try:
        return SecuritySuite(number)
    except ValueError:
        raise UsageMistake(f"--suite: {number} came, 0, 1 or 2 is allowed") from None


def _suite_in(text: str) -> SecuritySuite:
    """Return the suite that a URL names; 0 where it names none, or nonsense that is told later."""
    number = text.lower().removeprefix("suite_")
    return SecuritySuite(int(number)) if number in ("0", "1", "2") else SecuritySuite.SUITE_0


def _taught(text: str) -> str:
    """Return what is wrong with the options, with the flags that mend it."""
    if "allow_weak=True" in text:
        return text.removeprefix("the address: ").replace("allow_weak=True", "--allow-weak")
    if "missing for" not in text:
        return text
    text = text.removeprefix("the address: ")
    hints = dict.fromkeys(hint for name, hint in _TAUGHT.items() if name in text)
    return f"{text}: {'; '.join(hints)}" if hints else text
