"""What the fuzzing found, each by its target and the octets that did it; all are mended."""

from __future__ import annotations

#: (target, octets), as small as could be made
FINDINGS: list[tuple[str, bytes]] = [
    # Noise before a header with a wrong HCS was told twice.
    ("hdlc_reader", bytes.fromhex("0a0a7ea00c02232193bd64")),
    # An AARQ without a mechanism and with an empty authentication-value of another kind lost that kind.
    ("apdu_patient", bytes.fromhex("6004ac026e00")),
    (
        "apdu_patient",
        bytes.fromhex(
            "6036060974600585a1070d01018a0207808b07608574050802000000000129ac0a6e00000000"
            "0000000000000129ac0ad94000ffffffff00"
        ),
    ),
    # The same with octets of the usual kind: they were lost, and a repr that hides them did not show it.
    ("acse", bytes.fromhex("6004ac028000")),
    # A mechanism-name whose own octets begin like an object identifier's element lost these.
    ("apdu_strict", bytes.fromhex("60068b0406020600")),
    # A general-ciphering without its sender's title, where it is known, made a nonce of 4 octets: ValueError.
    (
        "security_general_unprotect",
        bytes.fromhex(
            "dd08ffff00005b000000000002084d4d4d0000bc654e084ddd4554455230303000000100001a300000000236ca3f"
            "f2cbe0d19b76d8cd334e01b7b893d844080000000000000002084d4d4d0000bc614ef1b1084d4554455230303100"
            "000100001a300000000234ca3ff2cbe0659b76d8cd344ef748476cd844f1b1"
        ),
    ),
    # A captured APDU whose sender's title is none did the same, and no tree came at all.
    (
        "security_deciphering",
        bytes.fromhex("db024d4d143000000001aabbccdd0102030405060708090a0b"),
    ),
    # A certificate in PEM of a version that X.509 has not was no ProtocolFault.
    (
        "certificates",
        bytes.fromhex(
            "308201493081efa003020105020107300a06082a8648ce3d040302301c311a301806035504030c116d6574657273"
            "206f66206e6f7768657265301e170d3236303533313030303030305a170d3237303533313030303030305a301b31"
            "19301706035504030c10344434443444303030304243363134453059301306072a8648ce3d020106082a8648ce3d"
            "03010703420004baaffde06a8cb1c9dae8d94023c601dbbb249254ba22edd827e820bca2bcc64362fbb83d86a82b"
            "87bb8b7161d2aab5521911a946b97a284a90f7785cd9047d25a3233021300f0603551d130101ff040530030101ff"
            "300e0603551d0f0101ff04040302028c300a06082a8648ce3d0403020349003046022100980c0b0b6b680df5d7ac"
            "7ed688c76648cafd8e9a29c4ee4666df6a0c4c6de481022100ea0490fdead62d08dd43ef194afcbf35102470cfbb"
            "de4b4b875a7f519668509f"
        ),
    ),
    # An identification of just the longest size was written with its CR LF, and was too long with that.
    ("mode_e_texts", b"/ABC5" + b"x" * 123),
]
