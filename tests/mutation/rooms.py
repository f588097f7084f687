"""The rooms that are mutated, each with the tests that are to notice it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Room:
    """What is mutated, and by whom it is to be noticed: quick tests first, mutmut sorts by time itself."""

    files: tuple[str, ...]
    tests: tuple[str, ...]


def _within(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}.py" for name in names)


_SECURITY_TESTS = (
    *_within(
        "tests/dlms/security",
        "test_cipher",
        "test_protect",
        "test_policy",
        "test_layered_cipher",
        "test_general",
        "test_invocation_counters",
        "test_headers",
        "test_change_of_keys",
        "test_lookalikes",
        "test_security_refusals",
    ),
    *_within("tests/dlms", "test_expected_keys", "test_ciphered_link"),
)
ROOMS = {
    "crc": Room(("meterkit/codec/crc.py",), ("tests/codec/test_crc.py",)),
    "psem_link": Room(
        ("meterkit/psem/link.py",),
        _within(
            "tests/psem",
            "test_link",
            "test_link_bounds",
            "test_link_errors",
            "test_link_faults",
            "test_link_impaired",
            "test_link_model",
            "test_remembered",
        ),
    ),
    "hdlc_link": Room(
        ("meterkit/dlms/hdlc_link.py",),
        _within(
            "tests/dlms",
            "test_hdlc_link",
            "test_hdlc_link_connection",
            "test_hdlc_link_errors",
            "test_hdlc_impaired",
            "test_hdlc_link_model",
        ),
    ),
    "security": Room(
        _within("meterkit/dlms/security", "protect", "policy", "control", "counters", "headers", "cipher"),
        _SECURITY_TESTS,
    ),
}
