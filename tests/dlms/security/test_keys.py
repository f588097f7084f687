"""Wrapped keys, points, signatures and agreed keys: RFC 3394 and the Green Book's annex C."""

from __future__ import annotations

import pytest

from meterkit.dlms.security import KeyKind, SecuritySuite
from meterkit.dlms.security.key_agreement import (
    algorithm_id,
    derive_key,
    generate_key,
    open_ephemeral,
    shared_secret,
    signed_ephemeral,
    static_parties,
)
from meterkit.dlms.security.keys import (
    private_key_of,
    public_key_octets,
    public_key_of,
    sign,
    unwrap_key,
    verify,
    wrap_key,
)
from meterkit.errors import ErrorKind, ProtocolFault
from tests.dlms.security.material import CLIENT, EK, METER, OTHER_KEY, SUITE_0, SUITE_1, SUITE_2, parameter
from tests.dlms.vectors import VECTORS, octets_of

WITH_PUBLIC_KEYS = [SUITE_1, SUITE_2]


@pytest.mark.parametrize(("name", "suite"), [("aes-key-wrap-128", SUITE_0), ("aes-key-wrap-256", SUITE_2)])
def test_rfc_3394_is_wrapped_and_unwrapped(name: str, suite: SecuritySuite) -> None:
    kek, key = parameter(name, "kek"), parameter(name, "key")
    assert wrap_key(suite, kek, key) == octets_of(name)
    assert unwrap_key(suite, kek, octets_of(name)) == key


def test_every_flipped_bit_of_a_wrapped_key_is_noticed() -> None:
    wrapped = wrap_key(SUITE_0, EK, OTHER_KEY)
    for bit in range(8 * len(wrapped)):
        altered = bytearray(wrapped)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ProtocolFault, match="doesn't open") as refused:
            unwrap_key(SUITE_0, EK, bytes(altered))
        assert refused.value.error.kind is ErrorKind.SECURITY
    with pytest.raises(ProtocolFault, match="24 octets expected, 40 came"):
        unwrap_key(SUITE_0, EK, octets_of("aes-key-wrap-256"))


def test_sizes_are_checked_before_anything_is_wrapped() -> None:
    with pytest.raises(ValueError, match="master key: 16 octets expected for suite 0, not 5"):
        wrap_key(SUITE_0, bytes(5), EK)
    with pytest.raises(ValueError, match="key: 32 octets expected for suite 2, not 16"):
        wrap_key(SUITE_2, bytes(32), EK)


def test_key_ids_are_security_setups() -> None:
    assert [KeyKind.of_key_id(number) for number in range(5)] == [
        KeyKind.GLOBAL_UNICAST_ENCRYPTION,
        KeyKind.GLOBAL_BROADCAST_ENCRYPTION,
        KeyKind.AUTHENTICATION,
        KeyKind.MASTER,
        None,
    ]
    assert KeyKind.MASTER.key_id == 3
    with pytest.raises(ValueError, match="a dedicated key has no key id"):
        _ = KeyKind.DEDICATED.key_id


# ---------------------------------------------------------------- points
@pytest.mark.parametrize("suite", WITH_PUBLIC_KEYS)
def test_key_pairs_go_through_octets(suite: SecuritySuite) -> None:
    key = generate_key(suite)
    number = key.private_numbers().private_value.to_bytes(suite.coordinate_size, "big")
    assert public_key_octets(private_key_of(suite, number)) == public_key_octets(key)
    octets = public_key_octets(key)
    assert len(octets) == 2 * suite.coordinate_size
    assert public_key_octets(public_key_of(suite, octets)) == octets


def test_the_green_books_private_key_has_its_public_key() -> None:
    name = "ecdsa-p256-ephemeral-key-signature-client"
    assert public_key_octets(private_key_of(SUITE_1, parameter(name, "private"))) == parameter(name, "public")


@pytest.mark.parametrize("suite", WITH_PUBLIC_KEYS)
def test_a_point_off_the_curve_is_refused(suite: SecuritySuite) -> None:
    octets = bytearray(public_key_octets(generate_key(suite)))
    octets[-1] ^= 1
    for wrong in (bytes(octets), bytes(len(octets)), b"\xff" * len(octets)):
        with pytest.raises(ProtocolFault, match="no point of secp") as refused:
            public_key_of(suite, wrong)
        assert refused.value.error.kind is ErrorKind.SECURITY
    with pytest.raises(ProtocolFault, match="a public key of"):
        public_key_of(suite, octets[:-1])


def test_no_private_number_is_shown() -> None:
    for wrong in (bytes(32), b"\xff" * 32, b"\x5f" * 31):
        with pytest.raises(ValueError) as refused:
            private_key_of(SUITE_1, wrong)
        assert wrong.hex() not in str(refused.value)


def test_suite_0_has_no_curve() -> None:
    with pytest.raises(ValueError, match="suite 0 has neither signatures nor key agreement"):
        generate_key(SUITE_0)


# ---------------------------------------------------------------- signatures
@pytest.mark.parametrize(
    "name", ["ecdsa-p256-ephemeral-key-signature-client", "ecdsa-p256-onepass-epk-client"]
)
def test_the_green_books_signatures_verify(name: str) -> None:
    public = public_key_of(SUITE_1, parameter(name, "public"))
    verify(SUITE_1, public, octets_of(name), parameter(name, "data"), "ephemeral key")
    with pytest.raises(ProtocolFault, match="ephemeral key: the signature does not verify"):
        verify(SUITE_1, public, octets_of(name), parameter(name, "data") + b"\0", "ephemeral key")


@pytest.mark.parametrize("suite", WITH_PUBLIC_KEYS)
def test_signatures_are_two_numbers_side_by_side(suite: SecuritySuite) -> None:
    key = generate_key(suite)
    signature = sign(suite, key, b"octets")
    assert len(signature) == 2 * suite.coordinate_size
    verify(suite, key.public_key(), signature, b"octets", "it")
    for wrong in (bytes(len(signature)), signature[:-1], b"", b"\xff" * len(signature)):
        with pytest.raises(ProtocolFault):
            verify(suite, key.public_key(), wrong, b"octets", "it")
    with pytest.raises(ValueError, match="signing key: secp"):
        sign(SUITE_1 if suite is SUITE_2 else SUITE_2, key, b"octets")


# ---------------------------------------------------------------- agreement
def test_annex_c_derives_its_key() -> None:
    name = "kdf-one-pass-dh-client"
    assert algorithm_id(SUITE_1) == parameter(name, "algorithm_id")
    derived = derive_key(
        SUITE_1, parameter(name, "z"), parameter(name, "party_u"), parameter(name, "party_v")
    )
    assert derived == octets_of(name)
    assert derived.hex() == VECTORS[name]["params"]["full_digest"][:32]


def test_suite_2_derives_32_octets() -> None:
    assert len(derive_key(SUITE_2, bytes(48), CLIENT, METER)) == 32
    assert algorithm_id(SUITE_2)[-1] == 1


@pytest.mark.parametrize("suite", WITH_PUBLIC_KEYS)
def test_both_ends_share_a_secret_and_nobody_else(suite: SecuritySuite) -> None:
    one, other, third = (generate_key(suite) for _ in range(3))
    shared = shared_secret(suite, one, other.public_key())
    assert shared == shared_secret(suite, other, one.public_key())
    assert shared != shared_secret(suite, third, one.public_key())
    assert len(shared) == suite.coordinate_size


def test_the_transaction_id_makes_each_static_key_new() -> None:
    shared = bytes(32)
    keys = {
        derive_key(SUITE_1, shared, *static_parties(CLIENT, METER, number.to_bytes(8, "big")))
        for number in range(10)
    }
    keys.add(derive_key(SUITE_1, shared, *static_parties(METER, CLIENT, bytes(8))))
    assert len(keys) == 11


@pytest.mark.parametrize("prefix", [b"", b"\0", b"\2"])
def test_ephemeral_keys_travel_signed(prefix: bytes) -> None:
    ephemeral, signing = generate_key(SUITE_1), generate_key(SUITE_1)
    octets = signed_ephemeral(SUITE_1, ephemeral, signing, prefix)
    assert len(octets) == 128
    opened = open_ephemeral(SUITE_1, octets, signing.public_key(), prefix)
    assert public_key_octets(opened) == public_key_octets(ephemeral)
    for wrong in (octets[:-1], bytes(128), octets[64:] + octets[:64]):
        with pytest.raises(ProtocolFault):
            open_ephemeral(SUITE_1, wrong, signing.public_key(), prefix)
    with pytest.raises(ProtocolFault, match="signature does not verify"):
        open_ephemeral(SUITE_1, octets, signing.public_key(), b"\1")


def test_the_green_books_ephemeral_key_opens() -> None:
    name = "ecdsa-p256-ephemeral-key-signature-client"
    data = parameter(name, "data")
    signing = public_key_of(SUITE_1, parameter(name, "public"))
    opened = open_ephemeral(SUITE_1, data[1:] + octets_of(name), signing, data[:1])
    assert public_key_octets(opened) == data[1:]
