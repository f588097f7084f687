"""Mutants that nothing can tell from the original, each with its reason; named as in `judging`."""

from __future__ import annotations

from tests.mutation.judging import Same

_BIG = "the most significant octet comes first by default"
_SET_BY_SEND = "`send` sets it before anything reads it"

_CODEC = (
    Same(
        "codec/crc.py crc16_wire",
        _BIG,
        (
            "return (crc_hqx(octets.translate(_REVERSED), _INITIAL) ^ 0xFFFF).to_bytes(2, )"
            ".translate(_REVERSED)",
        ),
    ),
)

_PSEM_LINK = (
    Same(
        "psem/link.py PsemLink.reset",
        _SET_BY_SEND,
        (
            "self._message = None",
            'self._message = b"XXXX"',
            "self._sent = None",
            "self._sent = 1",
            "self._to_follow = None",
            "self._to_follow = 1",
            "self._tries = None",
            "self._tries = 1",
            "self._refused = None",
            "self._refused = 1",
            "self._parts: list[bytes] = None",
        ),
    ),
    Same("psem/link.py PsemLink._accept", _SET_BY_SEND, ("self._parts = None",)),
    Same("psem/link.py PsemLink._give_up", _SET_BY_SEND, ("self._parts = None",)),
    Same(
        "psem/link.py PsemLink.reset",
        'no packet equals it, as none equals b""',
        ("self._packet = None", 'self._packet = b"XXXX"'),
    ),
    Same(
        "psem/link.py PsemLink.reset",
        "idle, no number of dropped packets breaks the link, and `send` begins to count anew",
        ("self._dropped = 1",),
    ),
    Same(
        "psem/link.py PsemLink.reset",
        "the first packet of a message sets it before the next is looked at",
        ("self._expected = None", "self._expected = 1"),
    ),
)

_SLOW_WAY = "fewer octets go the short way, and the long way does the same with them"
_PSEM_SHORT_WAY = (
    Same("psem/link.py PsemLink.receive", _SLOW_WAY, ("data = None",)),
    Same(
        "psem/link.py PsemLink._usual_answer",
        _SLOW_WAY,
        (
            "packet = None",
            "if packet is None or packet[2] | _UNUSUAL or packet[3]:",
            "if self.identity or packet[1] != self.identity:",
        ),
    ),
)

_TRUTH = "only its truth is asked for, and None is as false"
_HDLC_LINK = (
    Same("dlms/hdlc_link.py HdlcLink.reset", _TRUTH, ("self._has_cleared = None",)),
    Same("dlms/hdlc_link.py HdlcLink._begin", _TRUTH, ("self._is_pausing = None",)),
    Same("dlms/hdlc_link.py HdlcLink._lapse", _TRUTH, ("self._is_pausing = None",)),
)

_NO_TAG_MEANS_IT = "neither 0 nor 1 is the tag of an APDU that is taken"
_SECURITY = (
    Same(
        "dlms/security/cipher.py Cipher.__init__",
        _SLOW_WAY,
        (
            "self._enough = None",
            "self._both = None",
            "self._both = policy.suite & PROTECTION",
        ),
    ),
    Same(
        "dlms/security/headers.py unwrap",
        _SLOW_WAY,
        ("elif 129 < first < 0x83:",),
    ),
    Same(
        "dlms/security/headers.py unwrap",
        "the long way reads lengths of three octets alike",
        ("elif 0x80 < first <= 0x83:", "elif 0x80 < first < 132:"),
    ),
    Same(
        "dlms/security/headers.py unwrap",
        "no length fits fewer than two octets",
        ("first = octets[1] if len(octets) > 1 else 1",),
    ),
    Same(
        "dlms/security/headers.py unwrap",
        _BIG,
        ("if int.from_bytes(octets[2:start], ) == len(octets) - start:",),
    ),
    Same(
        "dlms/security/protect.py ProtectionKey.__init__",
        "no control octet equals it, as none equals None",
        ('self.both: int | None = ""',),
    ),
    Same(
        "dlms/security/protect.py ProtectionKey.__init__",
        "it is set with `both`, and not read without",
        ("self.both_aad = None", 'self.both_aad = b"XXXX"'),
    ),
    Same("dlms/security/protect.py ProtectionKey.protect", _BIG, ("counted = counter.to_bytes(4, )",)),
    Same(
        "dlms/security/protect.py ProtectionKey.unprotect",
        "no octets are too few in any case",
        ("protection = content[0] & PROTECTION if content else 1",),
    ),
    Same(
        "dlms/security/protect.py ProtectionKey.unprotect",
        _BIG,
        ("counter = int.from_bytes(content[1:HEAD_SIZE], )",),
    ),
    Same(
        "dlms/security/protect.py ProtectionKey.tag",
        _BIG,
        ('return self.seal(title + counter.to_bytes(4, ), b"", self._aad(control) + authenticated)',),
    ),
    Same(
        "dlms/security/cipher.py KeyInUse.unprotect",
        "without a tag, nothing covers the header",
        (
            "return self.key.unprotect(content, title, None), self.accept",
            "return self.key.unprotect(content, title, ), self.accept",
        ),
    ),
    Same("dlms/security/cipher.py _by_one_of", "at most one key stands before the last", ("break",)),
    Same(
        "dlms/security/cipher.py Cipher.protect",
        _SLOW_WAY,
        ("tag = None", "tag = (_DED_OUT if dedicated else _GLO_OUT).get(None)"),
    ),
    Same(
        "dlms/security/cipher.py Cipher.protect",
        _BIG,
        (
            "counted = counters.take().to_bytes(4, )",
            "head = (tag << 16 | size << 8 | control).to_bytes(3, )",
        ),
    ),
    Same(
        "dlms/security/cipher.py Cipher.unprotect",
        _SLOW_WAY,
        (
            "dedicated = None",
            "is_settled = None",
            "counted = octets[4:_START]",
            "plain = None",
            "plain = key.unseal(title + counted, octets[_START:], None)",
            "if plain and plain[0] == (_DED_IN if dedicated else _GLO_IN).get(None):",
        ),
    ),
    Same(
        "dlms/security/cipher.py Cipher.unprotect",
        "with nothing inside, the long way takes it all the same",
        ("if _ADDED <= size < _LONG and octets[1] == size and octets[2] == both and title is not None:",),
    ),
    Same("dlms/security/cipher.py Cipher.unprotect", _BIG, ("counter = int.from_bytes(counted, )",)),
    Same(
        "dlms/security/cipher.py Cipher._unprotect_any",
        _NO_TAG_MEANS_IT,
        ("tag = octets[0] if octets else 1",),
    ),
    Same(
        "dlms/security/cipher.py Cipher._open",
        _BIG,
        ("accept(int.from_bytes(content[1:HEAD_SIZE], ))",),
    ),
    Same(
        "dlms/security/counters.py CounterStore.raise_to",
        "a Protocol's method, which nobody runs",
        ("def raise_to(self, name: CounterName, number: int, *, is_trusted: bool = True) -> None:",),
    ),
    Same(
        "dlms/security/protect.py _wrong_tag",
        _BIG,
        ("counter = int.from_bytes(content[1:HEAD_SIZE], )",),
    ),
)

EQUIVALENT: tuple[Same, ...] = (*_CODEC, *_PSEM_LINK, *_PSEM_SHORT_WAY, *_HDLC_LINK, *_SECURITY)
