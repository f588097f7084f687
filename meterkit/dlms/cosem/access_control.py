"""Interface classes of associations: who sees which objects, and may do what.

    object_list_element (LN) = { class_id, version, logical_name, access_rights }
    access_right             = { attribute_access, method_access }
    attribute_access_item    = { attribute_id, access_mode, access_selectors }

Access modes are an enumeration up to version 2 of Association LN, bits from version 3 on.
Source: Blue Book 4.4.3 (Association SN), 4.4.4 (Association LN), 4.4.5 (SAP assignment); general knowledge.
"""

from __future__ import annotations

from enum import IntFlag
from typing import ClassVar

from meterkit.codec.axdr import BitString, Data, Tag
from meterkit.dlms.codes import Code
from meterkit.dlms.cosem.composite_types import array, element, optional, structure
from meterkit.dlms.cosem.data_types import (
    ANY,
    BIT_STRING,
    BOOLEAN,
    ENUM,
    INTEGER,
    LOGICAL_NAME,
    LONG_UNSIGNED,
    OCTET_STRING,
    UNSIGNED,
    VISIBLE_STRING,
    DataType,
    FlagsType,
    Misfit,
)
from meterkit.dlms.cosem.declare import CosemObject, attribute, method
from meterkit.dlms.cosem.definitions import ValueDefinition
from meterkit.dlms.cosem.obis import ObisCode


# ---------------------------------------------------------------- access rights
class AttributeAccessMode(Code):
    """What may be done with an attribute, up to version 2."""

    NO_ACCESS = 0, "neither read nor written"
    READ_ONLY = 1, "read"
    WRITE_ONLY = 2, "written"
    READ_AND_WRITE = 3, "read and written"
    AUTHENTICATED_READ_ONLY = 4, "read, in authenticated messages"
    AUTHENTICATED_WRITE_ONLY = 5, "written, in authenticated messages"
    AUTHENTICATED_READ_AND_WRITE = 6, "read and written, in authenticated messages"


class MethodAccessMode(Code):
    """What may be done with a method, in versions 1 and 2."""

    NO_ACCESS = 0, "not invoked"
    ACCESS = 1, "invoked"
    AUTHENTICATED_ACCESS = 2, "invoked, in authenticated messages"


class Access(IntFlag):
    """What may be done with an attribute or a method, and under which protection.

    From version 3 on meters say it in these bits; an association view tells older ones in the same terms.
    """

    NONE = 0
    READ = 1  #: of an attribute
    EXECUTE = 1  #: of a method
    WRITE = 2
    AUTHENTICATED_REQUEST = 4
    ENCRYPTED_REQUEST = 8
    DIGITALLY_SIGNED_REQUEST = 16
    AUTHENTICATED_RESPONSE = 32
    ENCRYPTED_RESPONSE = 64
    DIGITALLY_SIGNED_RESPONSE = 128


_SELECTORS = optional(array(INTEGER))
_BITS = FlagsType(ENUM, Access)


@structure
class AttributeAccessItem:
    """Access to one attribute, up to version 2."""

    attribute_id: int = element(INTEGER)
    access_mode: AttributeAccessMode = element(AttributeAccessMode)
    access_selectors: tuple[int, ...] | None = element(_SELECTORS)


@structure
class AttributeAccessBitsItem:
    """Access to one attribute, from version 3 on."""

    attribute_id: int = element(INTEGER)
    access_mode: Access = element(_BITS)
    access_selectors: tuple[int, ...] | None = element(_SELECTORS)


@structure
class MethodAccessItemV0:
    """Access to one method, in version 0: yes or no."""

    method_id: int = element(INTEGER)
    access_mode: bool = element(BOOLEAN)


@structure
class MethodAccessItem:
    """Access to one method, in versions 1 and 2."""

    method_id: int = element(INTEGER)
    access_mode: MethodAccessMode = element(MethodAccessMode)


@structure
class MethodAccessBitsItem:
    """Access to one method, from version 3 on."""

    method_id: int = element(INTEGER)
    access_mode: Access = element(_BITS)


@structure
class AccessRightV0:
    """What may be done with an object, in version 0."""

    attribute_access: tuple[AttributeAccessItem, ...] = element(array(AttributeAccessItem))
    method_access: tuple[MethodAccessItemV0, ...] = element(array(MethodAccessItemV0))


@structure
class AccessRight:
    """What may be done with an object, in versions 1 and 2."""

    attribute_access: tuple[AttributeAccessItem, ...] = element(array(AttributeAccessItem))
    method_access: tuple[MethodAccessItem, ...] = element(array(MethodAccessItem))


@structure
class AccessRightBits:
    """What may be done with an object, from version 3 on."""

    attribute_access: tuple[AttributeAccessBitsItem, ...] = element(array(AttributeAccessBitsItem))
    method_access: tuple[MethodAccessBitsItem, ...] = element(array(MethodAccessBitsItem))


@structure
class ObjectListElementV0:
    """One object of an association with logical names, in version 0."""

    class_id: int = element(LONG_UNSIGNED)
    version: int = element(UNSIGNED)
    logical_name: ObisCode = element(LOGICAL_NAME)
    access_rights: AccessRightV0 = element(AccessRightV0)


@structure
class ObjectListElement:
    """One object of an association with logical names, in versions 1 and 2."""

    class_id: int = element(LONG_UNSIGNED)
    version: int = element(UNSIGNED)
    logical_name: ObisCode = element(LOGICAL_NAME)
    access_rights: AccessRight = element(AccessRight)


@structure
class ObjectListElementBits:
    """One object of an association with logical names, from version 3 on."""

    class_id: int = element(LONG_UNSIGNED)
    version: int = element(UNSIGNED)
    logical_name: ObisCode = element(LOGICAL_NAME)
    access_rights: AccessRightBits = element(AccessRightBits)


# ---------------------------------------------------------------- Association LN
class AssociationStatus(Code):
    """How far an association is."""

    NON_ASSOCIATED = 0, "no association"
    ASSOCIATION_PENDING = 1, "authentication is under way"
    ASSOCIATED = 2, "associated"


@structure
class AssociatedPartners:
    """Between whom the association is."""

    client_sap: int = element(INTEGER)
    server_sap: int = element(LONG_UNSIGNED)


@structure
class XdlmsContextInfo:
    """What was agreed on."""

    conformance: BitString = element(BIT_STRING)  #: 24 bits, as in the InitiateResponse
    max_receive_pdu_size: int = element(LONG_UNSIGNED)  #: octets
    max_send_pdu_size: int = element(LONG_UNSIGNED)  #: octets
    dlms_version_number: int = element(UNSIGNED)
    quality_of_service: int = element(INTEGER)
    cyphering_info: bytes = element(OCTET_STRING)  #: the dedicated key


@structure
class User:
    """A user of the client's side."""

    user_id: int = element(UNSIGNED)
    user_name: str = element(VISIBLE_STRING)


class AssociationLnBase(CosemObject, class_id=15):
    """What every version of Association LN has."""

    associated_partners_id = attribute(3, AssociatedPartners)
    application_context_name = attribute(4, ANY)  #: an object identifier: octet-string, or structure of 7
    xdlms_context_info = attribute(5, XdlmsContextInfo)
    authentication_mechanism_name = attribute(6, ANY)  #: as application_context_name
    secret = attribute(7, OCTET_STRING, static=True)  #: the password of low level security
    association_status = attribute(8, AssociationStatus)
    reply_to_hls_authentication = method(1, OCTET_STRING, returns=OCTET_STRING)  #: f(StoC); f(CtoS)
    change_hls_secret = method(2, OCTET_STRING)


class AssociationLn(AssociationLnBase, version=0):
    """Association LN, version 0: method access is a boolean."""

    object_list = attribute(2, array(ObjectListElementV0), static=True)
    add_object = method(3, ObjectListElementV0)
    remove_object = method(4, ObjectListElementV0)


class AssociationLnSecured(AssociationLnBase):
    """What Association LN has from version 1 on."""

    security_setup_reference = attribute(9, LOGICAL_NAME, static=True)  #: zeroes for none


class AssociationLnV1(AssociationLnSecured, version=1):
    """Association LN, version 1: a security setup."""

    object_list = attribute(2, array(ObjectListElement), static=True)
    add_object = method(3, ObjectListElement)
    remove_object = method(4, ObjectListElement)


class AssociationLnUsers(AssociationLnSecured):
    """What Association LN has from version 2 on."""

    user_list = attribute(10, array(User), static=True)
    current_user = attribute(11, User)
    add_user = method(5, User)
    remove_user = method(6, User)


class AssociationLnV2(AssociationLnUsers, version=2):
    """Association LN, version 2: users."""

    object_list = attribute(2, array(ObjectListElement), static=True)
    add_object = method(3, ObjectListElement)
    remove_object = method(4, ObjectListElement)


class AssociationLnV3(AssociationLnUsers, version=3):
    """Association LN, version 3: access modes are bits."""

    object_list = attribute(2, array(ObjectListElementBits), static=True)
    add_object = method(3, ObjectListElementBits)
    remove_object = method(4, ObjectListElementBits)


# ---------------------------------------------------------------- Association SN
class BaseNameType(DataType[int]):
    """A short name, 0 to FFFF: written as a long with a sign it does not mean, so that FA00 is -1536."""

    words = "long (base_name)"

    def read(self, data: Data) -> int:
        """Return the name; some meters send a long-unsigned."""
        if data.tag not in (Tag.LONG, Tag.LONG_UNSIGNED) or not isinstance(data.value, int):
            raise Misfit(self.words, data)
        return data.value & 0xFFFF

    def write(self, value: int) -> Data:
        """Return the name as a long."""
        name = LONG_UNSIGNED.write(value).value
        return Data(Tag.LONG, name - 0x10000 if isinstance(name, int) and name > 0x7FFF else name)


_BASE_NAME = BaseNameType()


@structure
class ShortNameElement:
    """One object of an association with short names."""

    base_name: int = element(_BASE_NAME)
    class_id: int = element(LONG_UNSIGNED)
    version: int = element(UNSIGNED)
    logical_name: ObisCode = element(LOGICAL_NAME)


@structure
class ShortNameAccess:
    """What may be done with an object, by its short name."""

    base_name: int = element(_BASE_NAME)
    attribute_access: tuple[AttributeAccessItem, ...] = element(array(AttributeAccessItem))
    method_access: tuple[MethodAccessItem, ...] = element(array(MethodAccessItem))


class AssociationSn(CosemObject, class_id=12, version=0):
    """Association SN, version 0: objects by their short names."""

    object_list = attribute(2, array(ShortNameElement), static=True)
    read_by_logicalname = method(3, array(ValueDefinition), returns=ANY)
    change_lls_secret = method(5, OCTET_STRING)
    change_hls_secret = method(6, OCTET_STRING)
    reply_to_hls_authentication = method(8, OCTET_STRING, returns=OCTET_STRING)

    withheld: ClassVar[tuple[str, ...]] = (
        "methods 1 getlist_by_classid, 2 getobj_by_logicalname, 4 get_attributes&methods: their parameters",
        "method 7, which later versions reserve",
    )


class AssociationSnV1(AssociationSn, version=1):
    """Association SN, version 1: access rights, a security setup."""

    access_rights_list = attribute(3, array(ShortNameAccess), static=True)
    security_setup_reference = attribute(4, LOGICAL_NAME, static=True)  #: zeroes for none


class AssociationSnV2(AssociationSnV1, version=2):
    """Association SN, version 2: what version 1 has, and attributes that are withheld."""

    withheld = (
        *AssociationSnV1.withheld,
        "attributes 5 user_list and 6 current_user, methods 9 and 10: their numbers",
        "versions 3 and 4",
    )


# ---------------------------------------------------------------- logical devices
@structure
class AsslistElement:
    """One logical device: where, and its name."""

    sap: int = element(LONG_UNSIGNED)
    logical_device_name: bytes = element(OCTET_STRING)


class SapAssignment(CosemObject, class_id=17, version=0):
    """SAP assignment: the logical devices of a physical one."""

    sap_assignment_list = attribute(2, array(AsslistElement), static=True)
    connect_logical_device = method(1, AsslistElement)  #: an empty name takes the assignment back
