"""gurux-dlms and dlms-cosem protect, authenticate, wrap and sign as we do, each in its own process.

Not asked of them: gurux-dlms 1.0.203 has no working ECDH, P-384 or general-ciphering, and its tags in suites
1 and 2 cover more where a recipient is named; it takes wrong tags and can't unwrap.  dlms-cosem 25.1.0 has
neither authentication only nor encryption only, and refuses to unwrap any key.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from meterkit.dlms.acse.names import AuthenticationMechanism
from meterkit.dlms.hdlc.reader import HdlcReader
from meterkit.dlms.security import HighLevelSecurity, Security, SecurityControl, SecuritySuite
from meterkit.dlms.security.headers import unwrap, wrap
from meterkit.dlms.security.keys import private_key_of, sign, unwrap_key, verify, wrap_key
from tests.dlms.security.material import AK, CLIENT, EK, METER, OTHER_KEY, SUITE_0, SUITE_1, key, pair

HERE = Path(__file__).parent
PLAINS = [bytes.fromhex("c001c100080000010000ff0200"), b"\xc0", bytes(range(256)) * 3]
COUNTERS = [0, 1, 0x01234567, 2**32 - 1]
CTOS, STOC = bytes(range(16)), bytes(range(100, 116))
PRIVATE = bytes.fromhex("418073C239FA6125011DE4D6CD2E645780289F761BB21BFB0835CB5585E8B373")
PEER_PRIVATE = bytes.fromhex("47DAB03842E5B6E74828EF4F449B378D7DD1A5DAE1FFCA5AE0B0BE0AD18EC57E")


def ask(peer: str, jobs: list[dict[str, object]]) -> list[str]:
    """Return what `peer` makes of each job: hex, or the problem it has."""
    lines = [
        json.dumps({name: value.hex() if isinstance(value, bytes) else value for name, value in job.items()})
        for job in jobs
    ]
    done = subprocess.run(
        [sys.executable, str(HERE / f"{peer}_security.py")],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    told: list[str] = json.loads(done.stdout.splitlines()[-1])
    return told


def cases(
    securities: list[Security], suites: list[SecuritySuite]
) -> list[tuple[int, int, bytes, bytes, bytes]]:
    """Return control, counter, plaintext, and the keys, of all sorts."""
    return [
        (
            SecurityControl(suite, security).encode(),
            counter,
            plain,
            EK * (suite.key_size // 16),
            AK * (suite.key_size // 16),
        )
        for security in securities
        for suite in suites
        for counter in COUNTERS
        for plain in PLAINS
    ]


def ours(control: int, ek: bytes, ak: bytes):
    suite = SecurityControl.decode(control).suite
    return key(suite, ek[:16], ak[:16])


def test_gurux_protects_as_we_do_octet_for_octet() -> None:
    # A plaintext of one octet and authentication alone; encryption alone; both.
    securities = [one for one in Security if one is not Security.NONE]
    told = cases(securities, [SUITE_0, SUITE_1])
    jobs = [
        {
            "do": "protect",
            "tag": 0xC8,
            "title": CLIENT,
            "control": c,
            "counter": n,
            "plain": p,
            "ek": ek,
            "ak": ak,
        }
        for c, n, p, ek, ak in told
    ]
    expected = [wrap(0xC8, ours(c, ek, ak).protect(c, CLIENT, n, p)).hex() for c, n, p, ek, ak in told]
    answers = ask("gurux", jobs)
    assert answers == expected
    for answer, (c, _, p, ek, ak) in zip(answers, told, strict=True):
        assert ours(c, ek, ak).unprotect(unwrap(bytes.fromhex(answer)), CLIENT) == p


def test_gurux_reads_what_we_protect() -> None:
    both = SecurityControl(SUITE_0, Security.AUTHENTICATION_ENCRYPTION).encode()
    octets = [
        wrap(0xC8, key().protect(both, CLIENT, counter, plain)) for counter in COUNTERS for plain in PLAINS
    ]
    jobs = [{"do": "unprotect", "title": CLIENT, "octets": one, "ek": EK, "ak": AK} for one in octets]
    assert ask("gurux", jobs) == [plain.hex() for _ in COUNTERS for plain in PLAINS]


def test_gurux_ciphers_short_name_services_as_we_do() -> None:
    # Whole APDUs of glo-read, glo-write and their answers; its client can't put its own requests in them.
    plain = {
        0x05: b"\x01\x02\xfa\x00",
        0x06: b"\x01\x02\xfa\x08\x01\x00",
        0x0C: b"\x01\x00\x00",
        0x0D: b"\x01\x00",
    }
    services = [bytes((tag,)) + contents for tag, contents in plain.items()]
    sealed = [pair()[0].protect(service) for service in services]
    assert [apdu[0] for apdu in sealed] == [0x25, 0x26, 0x2C, 0x2D]
    common = {"title": CLIENT, "control": 0x30, "counter": 1, "ek": EK, "ak": AK}
    made = ask(
        "gurux",
        [
            {"do": "protect", "tag": apdu[0], "plain": service, **common}
            for service, apdu in zip(services, sealed, strict=True)
        ],
    )
    assert made == [apdu.hex() for apdu in sealed]
    jobs = [{"do": "unprotect", "title": CLIENT, "octets": one, "ek": EK, "ak": AK} for one in sealed]
    assert ask("gurux", jobs) == [service.hex() for service in services]


def test_dlms_cosem_protects_as_we_do_octet_for_octet() -> None:
    told = cases([Security.AUTHENTICATION_ENCRYPTION], list(SecuritySuite))
    contents = [ours(c, ek, ak).protect(c, CLIENT, n, p) for c, n, p, ek, ak in told]
    jobs = [
        {"title": CLIENT, "control": c, "counter": n, "plain": p, "ek": ek, "ak": ak, "octets": content[5:]}
        for (c, n, p, ek, ak), content in zip(told, contents, strict=True)
    ]
    made = ask("dlms_cosem", [{"do": "protect", **job} for job in jobs])
    assert made == [content[5:].hex() for content in contents]
    read = ask("dlms_cosem", [{"do": "unprotect", **job} for job in jobs])
    assert read == [plain.hex() for _, _, plain, _, _ in told]


def test_dlms_cosem_makes_the_same_gmac() -> None:
    proofs = {
        counter: end(AuthenticationMechanism.HIGH_LEVEL_SECURITY_GMAC).prove(counter) for counter in COUNTERS
    }
    jobs = [
        {
            "do": "gmac",
            "title": CLIENT,
            "control": 0x10,
            "counter": counter,
            "ek": EK,
            "ak": AK,
            "challenge": STOC,
        }
        for counter in COUNTERS
    ]
    assert ask("dlms_cosem", jobs) == [proof[5:].hex() for proof in proofs.values()]


def end(mechanism: AuthenticationMechanism, *, is_meter: bool = False) -> HighLevelSecurity:
    """Return one end, for gurux to be the other or the same."""
    is_ecdsa = mechanism is AuthenticationMechanism.HIGH_LEVEL_SECURITY_ECDSA
    suite = SUITE_1 if is_ecdsa else SUITE_0
    own, peer = private_key_of(SUITE_1, PRIVATE), private_key_of(SUITE_1, PEER_PRIVATE)
    if is_meter:
        own, peer = peer, own
    return HighLevelSecurity(
        mechanism=mechanism,
        own_challenge=STOC if is_meter else CTOS,
        peer_challenge=CTOS if is_meter else STOC,
        own_title=METER if is_meter else CLIENT,
        peer_title=CLIENT if is_meter else METER,
        secret=b"Gurux",
        key=key(),
        suite=suite,
        signing_key=own,
        peer_key=peer.public_key(),
    )


def hls_job(do: str, mechanism: AuthenticationMechanism, proof: bytes = b"") -> dict[str, object]:
    return {
        "do": do, "mechanism": int(mechanism), "proof": proof, "counter": 7, "secret": b"Gurux",
        "title": CLIENT, "peer_title": METER, "ctos": CTOS, "stoc": STOC,
        "ek": EK, "ak": AK, "private": PRIVATE, "peer_private": PEER_PRIVATE,
    }  # fmt: skip


HLS = [one for one in AuthenticationMechanism if one >= AuthenticationMechanism.HIGH_LEVEL_SECURITY]


def test_gurux_proves_itself_to_us_with_every_mechanism() -> None:
    frames = ask("gurux", [hls_job("prove", mechanism) for mechanism in HLS])
    for mechanism, told in zip(HLS, frames, strict=True):
        (frame,) = HdlcReader().feed(bytes.fromhex(told))
        action = frame.information[3:]
        assert action[:1] == b"\xc3"
        size = action[action.index(b"\x01\x09") + 2]
        proof = action[-size:]
        end(mechanism, is_meter=True).check(proof)
        if mechanism is not AuthenticationMechanism.HIGH_LEVEL_SECURITY_ECDSA:
            assert end(mechanism).prove(7) == proof


def test_gurux_takes_our_proof_as_the_meters_with_every_mechanism() -> None:
    jobs = [hls_job("check", mechanism, end(mechanism, is_meter=True).prove(9)) for mechanism in HLS]
    assert ask("gurux", jobs) == [""] * len(HLS)
    wrong = [hls_job("check", mechanism, end(mechanism).prove(9)) for mechanism in HLS]
    assert all(ask("gurux", wrong))


def test_keys_are_wrapped_alike() -> None:
    wrapped = wrap_key(SUITE_0, EK, OTHER_KEY)
    jobs = [{"do": "wrap", "kek": EK, "key": OTHER_KEY, "control": 0}]
    assert ask("gurux", jobs) == ask("dlms_cosem", jobs) == [wrapped.hex()]
    assert unwrap_key(SUITE_0, EK, wrapped) == OTHER_KEY


def test_signatures_on_p_256_verify_both_ways() -> None:
    own = private_key_of(SUITE_1, PRIVATE)
    mine = sign(SUITE_1, own, PLAINS[0])
    jobs = [
        {"do": "sign", "private": PRIVATE, "plain": PLAINS[0]},
        {"do": "verify", "private": PRIVATE, "plain": PLAINS[0], "signature": mine},
        {"do": "verify", "private": PRIVATE, "plain": PLAINS[1], "signature": mine},
    ]
    theirs, right, wrong = ask("gurux", jobs)
    verify(SUITE_1, own.public_key(), bytes.fromhex(theirs), PLAINS[0], "gurux")
    assert (right, wrong) == ("01", "00")


@pytest.mark.parametrize("peer", ["gurux", "dlms_cosem"])
def test_a_peer_tells_its_problems(peer: str) -> None:
    assert "Error" in ask(peer, [{"do": "protect"}])[0]
