"""Interface classes of protection: security setup, data protection, the guard of a port.

    key_data             { key_id, key_wrapped }
    protection_options   { transaction_id, originator_system_title, recipient_system_title,
                           other_information, key_info }

Source: Blue Book 4.4.7 (Security setup), 4.4.9 (COSEM data protection), class 124 (Communication port
protection); general knowledge.
"""

from __future__ import annotations

from enum import IntFlag

from meterkit.dlms.codes import Code
from meterkit.dlms.cosem.composite_types import array, element, structure
from meterkit.dlms.cosem.data_types import (
    ANY,
    DOUBLE_LONG_UNSIGNED,
    ENUM,
    LOGICAL_NAME,
    LONG_UNSIGNED,
    NOTHING,
    OCTET_STRING,
    UNSIGNED,
    FlagsType,
)
from meterkit.dlms.cosem.declare import CosemObject, attribute, method
from meterkit.dlms.cosem.definitions import RestrictedObject


# ---------------------------------------------------------------- security setup
class SecurityPolicyV0(Code):
    """What every message has to be, in version 0."""

    NOTHING = 0, "nothing"
    AUTHENTICATED = 1, "authenticated"
    ENCRYPTED = 2, "encrypted"
    AUTHENTICATED_AND_ENCRYPTED = 3, "authenticated and encrypted"


class SecurityPolicy(IntFlag):
    """What requests and responses have to be, from version 1 on; as `required_protection` too."""

    AUTHENTICATED_REQUEST = 4
    ENCRYPTED_REQUEST = 8
    DIGITALLY_SIGNED_REQUEST = 16
    AUTHENTICATED_RESPONSE = 32
    ENCRYPTED_RESPONSE = 64
    DIGITALLY_SIGNED_RESPONSE = 128


class SecuritySuite(Code):
    """Which algorithms."""

    SUITE_0 = 0, "AES-GCM-128, AES-128 key wrap"
    SUITE_1 = 1, "AES-GCM-128, ECDSA and ECDH on P-256, SHA-256, AES-128 key wrap"
    SUITE_2 = 2, "AES-GCM-256, ECDSA and ECDH on P-384, SHA-384, AES-256 key wrap"


class KeyId(Code):
    """Which key."""

    GLOBAL_UNICAST_ENCRYPTION_KEY = 0, "global unicast encryption key"
    GLOBAL_BROADCAST_ENCRYPTION_KEY = 1, "global broadcast encryption key"
    AUTHENTICATION_KEY = 2, "authentication key"
    MASTER_KEY = 3, "master key, that wraps the others"


class CertificateEntity(Code):
    """Whose certificate."""

    SERVER = 0, "the server's"
    CLIENT = 1, "the client's"
    CERTIFICATION_AUTHORITY = 2, "the certification authority's"
    OTHER = 3, "another's"


class CertificateType(Code):
    """What a certificate is for."""

    DIGITAL_SIGNATURE = 0, "digital signature"
    KEY_AGREEMENT = 1, "key agreement"
    TLS = 2, "TLS"
    OTHER = 3, "something else"


class CertificateIdentificationType(Code):
    """How a certificate is named."""

    ENTITY = 0, "by { certificate_entity, certificate_type, system_title }"
    SERIAL = 1, "by { serial_number, issuer }"


@structure
class KeyData:
    """A key, wrapped by the master key."""

    key_id: KeyId = element(KeyId)
    key_wrapped: bytes = element(OCTET_STRING)


@structure
class KeyAgreementData:
    """One end's part of a key agreement: its ephemeral public key and the signature over it."""

    key_id: KeyId = element(KeyId)
    key_data: bytes = element(OCTET_STRING)


@structure
class CertificateInfo:
    """One certificate that the server keeps."""

    certificate_entity: CertificateEntity = element(CertificateEntity)
    certificate_type: CertificateType = element(CertificateType)
    serial_number: bytes = element(OCTET_STRING)
    issuer: bytes = element(OCTET_STRING)
    subject: bytes = element(OCTET_STRING)
    subject_alt_name: bytes = element(OCTET_STRING)


@structure
class CertificateIdentification:
    """Which certificate."""

    certificate_identification_type: CertificateIdentificationType = element(CertificateIdentificationType)
    certificate_identification_options: object = element(ANY)  #: a structure, see the type


class SecuritySetupBase(CosemObject, class_id=64):
    """What every version of Security setup has."""

    security_suite = attribute(3, SecuritySuite, static=True)
    client_system_title = attribute(4, OCTET_STRING)
    server_system_title = attribute(5, OCTET_STRING, static=True)


class SecuritySetup(SecuritySetupBase, version=0):
    """Security setup, version 0: symmetric keys."""

    security_policy = attribute(2, SecurityPolicyV0, static=True)
    security_activate = method(1, SecurityPolicyV0)  #: only ever to more
    global_key_transfer = method(2, array(KeyData))


class SecuritySetupV1(SecuritySetupBase, version=1):
    """Security setup, version 1: certificates and key agreement."""

    security_policy = attribute(2, FlagsType(ENUM, SecurityPolicy), static=True)
    certificates = attribute(6, array(CertificateInfo))
    security_activate = method(1, FlagsType(ENUM, SecurityPolicy))  #: only ever to more
    key_transfer = method(2, array(KeyData))
    key_agreement = method(3, array(KeyAgreementData), returns=array(KeyAgreementData))
    generate_key_pair = method(4, CertificateType)
    generate_certificate_request = method(5, CertificateType, returns=OCTET_STRING)  #: PKCS #10
    import_certificate = method(6, OCTET_STRING)  #: X.509, DER
    export_certificate = method(7, CertificateIdentification, returns=OCTET_STRING)
    remove_certificate = method(8, CertificateIdentification)


# ---------------------------------------------------------------- data protection
class ProtectionType(Code):
    """How data is protected."""

    AUTHENTICATION = 0, "authenticated"
    ENCRYPTION = 1, "encrypted"
    AUTHENTICATION_AND_ENCRYPTION = 2, "authenticated and encrypted"
    DIGITAL_SIGNATURE = 3, "digitally signed"


class KeyInfoType(Code):
    """How the key is told."""

    IDENTIFIED_KEY = 0, "by its role: { key_id }"
    WRAPPED_KEY = 1, "wrapped: { kek_id, key_ciphered_data }"
    AGREED_KEY = 2, "agreed upon: { key_parameters, key_ciphered_data }"


@structure
class KeyInfo:
    """Which key protects."""

    key_info_type: KeyInfoType = element(KeyInfoType)
    key_info_options: object = element(ANY)  #: a structure, see the type


@structure
class ProtectionOptions:
    """Between whom the protection is, and with which key."""

    transaction_id: bytes = element(OCTET_STRING)
    originator_system_title: bytes = element(OCTET_STRING)
    recipient_system_title: bytes = element(OCTET_STRING)
    other_information: bytes = element(OCTET_STRING)
    key_info: KeyInfo = element(KeyInfo)


@structure
class ProtectionParameters:
    """One layer of protection."""

    protection_type: ProtectionType = element(ProtectionType)
    protection_options: ProtectionOptions = element(ProtectionOptions)


class DataProtection(CosemObject, class_id=30, version=0):
    """COSEM data protection: attributes of several objects, protected together."""

    protection_buffer = attribute(2, OCTET_STRING)
    protection_object_list = attribute(3, array(RestrictedObject), static=True)
    protection_parameters_get = attribute(4, array(ProtectionParameters), static=True)
    protection_parameters_set = attribute(5, array(ProtectionParameters), static=True)
    required_protection = attribute(6, FlagsType(ENUM, SecurityPolicy), static=True)

    withheld = (
        "methods 1 get_protected_attributes, 2 set_protected_attributes, 3 invoke_protected_method: "
        "their parameters",
    )


# ---------------------------------------------------------------- the guard of a port
class ProtectionMode(Code):
    """When a port is locked."""

    LOCKED = 0, "always"
    LOCKED_ON_FAILED_ATTEMPTS = 1, "after failed attempts"
    UNLOCKED = 2, "never"


class ProtectionStatus(Code):
    """Whether a port is locked."""

    UNLOCKED = 0, "open"
    TEMPORARILY_LOCKED = 1, "locked for a while"
    LOCKED = 2, "locked"


class CommunicationPortProtection(CosemObject, class_id=124, version=0):
    """Communication port protection: a port that locks itself after failed attempts."""

    protection_mode = attribute(2, ProtectionMode, static=True)
    allowed_failed_attempts = attribute(3, LONG_UNSIGNED, static=True)
    initial_lockout_time = attribute(4, DOUBLE_LONG_UNSIGNED, static=True)  #: seconds
    steepness_factor = attribute(5, UNSIGNED, static=True)  #: by which the next lockout is longer
    max_lockout_time = attribute(6, DOUBLE_LONG_UNSIGNED, static=True)  #: seconds
    port_reference = attribute(7, LOGICAL_NAME, static=True)
    protection_status = attribute(8, ProtectionStatus)
    failed_attempts = attribute(9, DOUBLE_LONG_UNSIGNED)
    cumulative_failed_attempts = attribute(10, DOUBLE_LONG_UNSIGNED)
    reset = method(1, NOTHING)
