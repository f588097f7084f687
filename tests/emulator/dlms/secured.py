"""A meter with secured clients for tests, and a bare client that ciphers its APDUs.

The client end is made of the codec in meterkit.dlms.security alone; nothing of meterkit's client is here.
"""

from pydantic import SecretBytes

from meterkit.dlms.acse.apdus import Aare, Aarq, ApplicationContext, AuthenticationMechanism, Rlre, Rlrq
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.action import ActionRequestNormal
from meterkit.dlms.apdu.descriptors import MethodDescriptor
from meterkit.dlms.apdu.initiate import InitiateRequest
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.security import (
    Cipher,
    CounterBlock,
    Envelope,
    HighLevelSecurity,
    KeyInUse,
    KeyKind,
    ProtectionKey,
    Security,
    SecurityPolicy,
    SecuritySuite,
    dedicated_key,
    new_challenge,
)
from meterkit.dlms.security.keys import private_key_of, public_key_octets
from meterkit.emulator.dlms import DEMO_AUTHENTICATION_KEY, DEMO_ENCRYPTION_KEY, DEMO_MASTER_KEY
from tests.emulator.dlms.meters import WrapperClient, make_meter

CLIENT_TITLE = b"METER001"
METER_TITLE = b"MKT\x00\x01\x35\x28\x81"
SAP = 3
SECRET = b"Gurux"
SIGNING = {1: b"\x11" * 32, 2: b"\x12" * 48}  # the client's
METER_SIGNING = {1: b"\x21" * 32, 2: b"\x22" * 48}
STOP = 0xFFFFFFFF
PUBLIC = {"sap": 16, "clearance": 1}


def keys_of(suite):
    """Return the demonstration keys, doubled for suite 2."""
    times = SecuritySuite(suite).key_size // 16
    return DEMO_ENCRYPTION_KEY * times, DEMO_AUTHENTICATION_KEY * times, DEMO_MASTER_KEY * times


def public_of(suite, private):
    return public_key_octets(private_key_of(SecuritySuite(suite), private))


def security(suite=0, **changes):
    """Return the configuration of a client's keys."""
    encryption, authentication, master = keys_of(suite)
    fields = {"encryption_key": encryption, "authentication_key": authentication, "master_key": master}
    if suite:
        fields |= {
            "signing_key": METER_SIGNING[suite],
            "client_signing_key": public_of(suite, SIGNING[suite]),
        }
    return {"suite": suite, **fields, **changes}


def secured_meter(authentication="hls5", suite=0, keys=None, clients=(), **changes):
    """Return a meter with a public client and one that is secured."""
    needs_secret = authentication in ("low", "hls2", "hls3", "hls4", "hls6")
    client = {
        "sap": SAP,
        "authentication": authentication,
        "password": SecretBytes(SECRET) if needs_secret else None,
        "security": security(suite, **(keys or {})),
        "clearance": 2,
    }
    return make_meter(clients=(PUBLIC, client, *clients), **changes)


class SecuredClient(WrapperClient):
    """Associates by any mechanism and protection, and speaks ciphered."""

    def __init__(self, emulator, mechanism=5, applied=Security.AUTHENTICATION_ENCRYPTION, suite=0, **changes):
        super().__init__(emulator, changes.pop("sap", SAP))
        self.mechanism = AuthenticationMechanism(mechanism)
        self.suite = SecuritySuite(suite)
        self.title = changes.pop("title", CLIENT_TITLE)
        self.envelope = changes.pop("envelope", Envelope.SERVICE)
        self.secret = changes.pop("secret", SECRET)
        self.dedicated = changes.pop("dedicated", None)
        self.challenge = changes.pop("challenge", None) or new_challenge()
        self.conformance = changes.pop("conformance", Conformance(0xFFFFFF))
        self.max_pdu = changes.pop("max_pdu", 1200)
        encryption, authentication, _ = keys_of(suite)
        self.key = ProtectionKey(
            self.suite,
            changes.pop("encryption_key", encryption),
            changes.pop("authentication_key", authentication),
        )
        counters = CounterBlock(changes.pop("counter", 1), STOP)
        self.unicast = KeyInUse(KeyKind.GLOBAL_UNICAST_ENCRYPTION, self.key, counters)
        policy = SecurityPolicy(self.suite, applied, changes.pop("required", applied))
        self.cipher = Cipher(self.title, policy, self.unicast, peer_title=METER_TITLE, envelope=self.envelope)
        assert not changes

    @property
    def is_ciphered(self):
        return self.cipher.policy.applied is not Security.NONE

    @property
    def initiate(self):
        return InitiateRequest(
            dedicated_key=self.dedicated, conformance=self.conformance, max_pdu=self.max_pdu
        ).encode()

    def aarq(self):
        value = self.challenge if self.mechanism >= 2 else self.secret if self.mechanism == 1 else None
        names = ApplicationContext
        return Aarq(
            application_context=names.LOGICAL_NAME_CIPHERED if self.is_ciphered else names.LOGICAL_NAME,
            mechanism=self.mechanism,
            authentication_value=value,
            calling_ap_title=self.title,
            user_information=self.cipher.protect(self.initiate),
        ).encode()

    def open(self):
        """Send the AARQ; return the AARE with its user-information in clear."""
        self.aare = Aare.decode(self.ask(self.aarq()))
        if self.aare.user_information is not None:
            self.response = decode_apdu(self.cipher.unprotect(self.aare.user_information))
        if self.dedicated is not None:
            self.cipher.dedicated = dedicated_key(self.dedicated, self.unicast)
        return self.aare

    def hls(self, **changes):
        """Return the client's end of the proof."""
        fields = {
            "mechanism": self.mechanism,
            "own_challenge": self.challenge,
            "peer_challenge": self.aare.authentication_value,
            "own_title": self.title,
            "peer_title": METER_TITLE,
            "secret": self.secret,
            "key": self.key,
            "suite": self.suite,
        }
        if self.suite:
            fields["signing_key"] = private_key_of(self.suite, SIGNING[self.suite])
            fields["peer_key"] = private_key_of(self.suite, METER_SIGNING[self.suite]).public_key()
        return HighLevelSecurity(**(fields | changes))

    def prove(self, hls=None):
        """Send f(StoC); return the response."""
        hls = hls or self.hls()
        proof = hls.prove(self.unicast.take() if self.mechanism == 5 else None)
        return self.invoke(15, ObisCode.CURRENT_ASSOCIATION, 1, bytes((9, len(proof))) + proof)

    def enter(self):
        """Associate, with both proofs."""
        assert self.open().is_accepted
        if self.mechanism >= 2:
            response = self.prove()
            assert response.result == 0
            self.hls().check(response.return_value[2:])
        return self

    def invoke(self, class_id, obis, method, parameters):
        return self.request(ActionRequestNormal(0xC1, MethodDescriptor(class_id, obis, method), parameters))

    def talk(self, apdu):
        """Return the answer in clear to an APDU, ciphered on its way."""
        octets = bytes.fromhex(apdu) if isinstance(apdu, str) else apdu
        return self.cipher.unprotect(self.ask(self.cipher.protect(octets)))

    def request(self, apdu):
        return decode_apdu(self.talk(apdu if isinstance(apdu, (bytes, str)) else apdu.encode()))

    def release(self):
        """Return the RLRE with its user-information in clear."""
        rlre = Rlre.decode(self.ask(Rlrq(user_information=self.cipher.protect(self.initiate)).encode()))
        return decode_apdu(self.cipher.unprotect(rlre.user_information))
