"""Oddities that real meters were seen to have; each can be switched on by itself.

Where one was seen: "public servers" are Gurux' C and Java servers and jDLMS, run on a loopback; the
others come from issue reports of public clients.
"""

from __future__ import annotations

from enum import Enum
from typing import Self


class DlmsQuirk(Enum):
    """What this meter does otherwise than the books say; `seen` tells where."""

    seen: str

    def __new__(cls, value: str, seen: str) -> Self:
        """Return the member for a value that JSON can write."""
        member = object.__new__(cls)
        member._value_ = value
        member.seen = seen
        member.__doc__ = seen
        return member

    # ---- values and application PDUs
    JUNK_AFTER_VALUE = "junk_after_value", "Octets follow a clock's value or a last block. Gurux' C server."
    SCALER_DENIED = "scaler_denied", "Attribute 3 of registers may not be read. Reports on several makers."
    LIST_REFUSED = "list_refused", "A with-list request is answered D8 although the bit was granted. Reports."
    SINGLE_ANSWER_TO_LIST = (
        "single_answer_to_list",
        "A list gets a normal response, of its first item. Reports.",
    )
    WRONG_INVOKE_ID = "wrong_invoke_id", "Answers carry another invoke id than the request. Reports."
    WRONG_BLOCK_NUMBER = "wrong_block_number", "The second block of an answer has a number too many. Reports."
    STALE_ANSWER_FIRST = (
        "stale_answer_first",
        "The answer before comes once more before the right one. Reports.",
    )
    NO_ANSWER_TO_FIRST_BLOCK = (
        "no_answer_to_first_block",
        "The first block of a SET or ACTION is never answered. Public servers.",
    )
    PUSH_BEFORE_ANSWER = "push_before_answer", "A push comes between request and answer. Gurux' push server."
    PUSH_AFTER_ANSWER = "push_after_answer", "A push leaves in one write with the answer. Gurux' push server."

    # ---- association
    WRONG_AARE_LENGTHS = "wrong_aare_lengths", "The AARE's outer BER length is one too small. jDLMS."
    WRONG_RLRE_LENGTHS = (
        "wrong_rlre_lengths",
        "The RLRE's BER length is wrong. Public servers, ciphered release.",
    )
    AARE_WITHOUT_USER_INFORMATION = (
        "aare_without_user_information",
        "A refusing AARE has no user-information. Landis+Gyr, by Gurux' Java client.",
    )
    EXPLICIT_PROTOCOL_VERSION = "explicit_protocol_version", "The AARE spells out protocol-version 1. jDLMS."
    ERROR_TO_AARQ = "error_to_aarq", "An AARQ gets a bare confirmedServiceError. Gurux' C server."
    NO_ANSWER_TO_RELEASE = "no_answer_to_release", "RLRQ is met with silence. Reports on several makers."
    EXCEPTION_TO_RELEASE = "exception_to_release", "RLRQ is answered D8 01 02. Public servers."
    SILENT_TO_UNKNOWN_CLIENT = (
        "silent_to_unknown_client",
        "An unknown client SAP hears nothing. Public servers.",
    )

    # ---- security: what a client has to notice, and oddities of counters and challenges
    PLAIN_ANSWERS = "plain_answers", "Ciphered requests are answered in clear. Attack."
    AUTHENTICATED_ONLY_ANSWERS = (
        "authenticated_only_answers",
        "Ciphered requests are answered readable, with a tag. Attack, or a meter set up otherwise.",
    )
    ENCRYPTED_ONLY_ANSWERS = (
        "encrypted_only_answers",
        "Ciphered requests are answered without a tag. Pushes of meters with an encryption key alone.",
    )
    CUT_TAG = "cut_tag", "The tags of answers have 8 octets in place of 12. Attack."
    GLO_ANSWERS = "glo_answers", "general-ciphering is answered by glo-: another key than agreed on. Attack."
    UNSIGNED_ANSWERS = "unsigned_answers", "Signed requests are answered without a signature. Attack."
    REPLAYED_ANSWERS = "replayed_answers", "A ciphered answer comes again in place of the next one. Attack."
    REFLECTED_CHALLENGE = (
        "reflected_challenge",
        "StoC is CtoS, and f(StoC) comes back as f(CtoS). Attack.",
    )
    WRONG_PROOF = "wrong_proof", "f(CtoS) is wrong: the meter does not know the secret. Attack."
    DOWNGRADED_AARE = (
        "downgraded_aare",
        "The AARE grants an association without ciphering and authentication. Attack.",
    )
    LYING_TITLE = "lying_title", "The AARE and all that follows bear another system title. Attack."
    COUNTER_FROM_ZERO = "counter_from_zero", "The meter's first invocation counter is 0. Public servers."
    LONG_CHALLENGE_REFUSED = (
        "long_challenge_refused",
        "A challenge of 32 octets or more fails. Gurux' C server.",
    )

    # ---- HDLC
    IGNORED_PROPOSALS = (
        "ignored_proposals",
        "The UA says 128 octets and window 1 whatever was proposed. jDLMS.",
    )
    INFORMATION_SIZE_IGNORED = (
        "information_size_ignored",
        "The UA says 128 octets, with the window that was proposed. Gurux' Java server.",
    )
    UA_WITHOUT_PARAMETERS = "ua_without_parameters", "The UA is empty: 128 octets and window 1 hold. Reports."
    SILENT_TO_EMPTY_SNRM = (
        "silent_to_empty_snrm",
        "SNRM without parameters is met with silence. A public server.",
    )
    SLOW_WITH_RNR = (
        "slow_with_rnr",
        "RNR until the client has asked twice whether the answer is ready. Reports.",
    )
    REJ_ON_LOSS = "rej_on_loss", "A lost frame is asked for by REJ in place of RR. General HDLC stations."
    SHARED_FLAGS = "shared_flags", "One flag ends a frame and begins the next one. Kaifa, push."
    NOISE_BEFORE_FRAMES = (
        "noise_before_frames",
        "Stray octets and flags come before each frame. Optical heads.",
    )
    ECHO = "echo", "The optical head sends the client's octets back. IR heads, u9n/dlms-cosem 62."

    # ---- any line
    OCTET_BY_OCTET = "octet_by_octet", "What the meter says arrives one octet at a time. Serial lines."
    HALF_FRAMES = "half_frames", "Half of each answer arrives, the rest never. Lossy gateways."
    ANOTHER_CLIENTS_FRAME = (
        "another_clients_frame",
        "A frame for another client comes first. Multi-drop lines.",
    )
    ANSWERS_ANOTHER_CLIENT = (
        "answers_another_client",
        "Answers are addressed to another client. Faulty gateways.",
    )
