"""The current association as an object, and the list of logical devices.

    object_list_element (LN)   class_id, version, logical_name, access_rights { attributes, methods }
    objlist_element (SN)       base_name, class_id, version, logical_name

Source: Blue Book, Association SN (class 12), Association LN (class 15), SAP assignment (class 17); general
knowledge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from meterkit.codec import axdr
from meterkit.dlms.acse.apdus import ApplicationContext
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.configuration import Clearance, ClientConfiguration
from meterkit.emulator.dlms.cosem_object import (
    Attribute,
    CosemObject,
    Method,
    fixed,
    plain,
    type_unmatched,
)
from meterkit.emulator.dlms.proving import Proving
from meterkit.emulator.dlms.security_setup import security_setup_name

_READ, _WRITE = 1, 2  # access modes: bits of version 3, the same numbers before
_EXECUTE = 1
_FLAGS_SINCE = 3  # version since which access modes are bits
_BOOLEAN_BEFORE = 1  # version before which the access mode of a method is a boolean
_PENDING, _ASSOCIATED = 1, 2  # association_status
_REPLY = 1  # method of class 15: reply_to_HLS_authentication
_REPLY_SN = 6  # method of class 12 with the same name, counted from read_by_logicalname
_NAME_PREFIX = bytes.fromhex("60857405")  # joint-iso-ccitt 2, country 16, country-name 756, organisation 5
_DLMS_VERSION = 6


@dataclass(frozen=True, slots=True)
class Associated:
    """Between whom an association is, and on what terms."""

    client: ClientConfiguration
    server_sap: int
    version: int  #: of class 15
    conformance: int
    max_receive_pdu: int
    max_send_pdu: int
    context: ApplicationContext = ApplicationContext.LOGICAL_NAME
    proving: Proving | None = None  #: of high level security


def association_ln(terms: Associated, objects: Iterable[CosemObject]) -> CosemObject:
    """Return the current association with logical names; `objects` are those it shows beside itself."""
    shown = list(objects)
    attributes = {
        2: Attribute(lambda: object_list([*shown, view], terms)),
        3: fixed(_partners(terms)),
        4: fixed(axdr.encode_octet_string(_NAME_PREFIX + bytes((8, 1, terms.context)))),
        5: fixed(_context(terms)),
        6: fixed(axdr.encode_octet_string(_NAME_PREFIX + bytes((8, 2, terms.client.mechanism)))),
        7: Attribute(None),
        8: Attribute(lambda: axdr.encode_enum(_status(terms))),
    }
    if terms.version >= 1:
        attributes[9] = fixed(axdr.encode_octet_string(_security_setup(terms)))
    if terms.version >= 2:
        attributes[10] = fixed(axdr.encode_array([]))
        attributes[11] = fixed(
            axdr.encode_structure([axdr.encode_unsigned(0), axdr.encode_visible_string("")])
        )
    view = CosemObject(
        15, terms.version, ObisCode.CURRENT_ASSOCIATION, attributes, _reply(terms.proving, _REPLY)
    )
    return view


def association_sn(
    bases: Mapping[int, CosemObject], clearance: Clearance, proving: Proving | None = None
) -> CosemObject:
    """Return the current association with short names; `bases` is read when the list is asked for."""

    def object_list() -> bytes:
        return axdr.encode_array(
            [
                axdr.encode_structure(
                    [
                        axdr.encode_long(base - 0x10000 if base > 0x7FFF else base),
                        axdr.encode_long_unsigned(one.class_id),
                        axdr.encode_unsigned(one.version),
                        axdr.encode_octet_string(one.obis.to_bytes()),
                    ]
                )
                for base, one in sorted(bases.items())
            ]
        )

    def by_logical_name(parameters: bytes | None) -> bytes:
        """read_by_logicalname: array of structure { class_id, logical_name, attribute_index }."""
        wanted = plain(parameters or b"")
        if not isinstance(wanted, list):
            raise type_unmatched()
        return axdr.encode_array([_named(bases.values(), one, clearance) for one in wanted])

    return CosemObject(
        12,
        1,
        ObisCode.CURRENT_ASSOCIATION,
        {
            2: Attribute(object_list),
            3: Attribute(lambda: _access_rights_list(bases, clearance)),
            4: fixed(axdr.encode_octet_string(bytes(6))),
        },
        {1: Method(by_logical_name, Clearance.PUBLIC)} | _reply(proving, _REPLY_SN),
    )


def sap_assignment(logical_device: int, name: bytes) -> CosemObject:
    """Return the list of logical devices: one."""
    device = axdr.encode_structure(
        [axdr.encode_long_unsigned(logical_device), axdr.encode_octet_string(name)]
    )
    return CosemObject(17, 0, ObisCode.SAP_ASSIGNMENT, {2: fixed(axdr.encode_array([device]))})


def _reply(proving: Proving | None, index: int) -> dict[int, Method]:
    """Return reply_to_HLS_authentication where there is something to prove."""
    return {} if proving is None else {index: Method(proving.reply, Clearance.PUBLIC)}


def _status(terms: Associated) -> int:
    return _PENDING if terms.proving is not None and terms.proving.is_pending else _ASSOCIATED


def _security_setup(terms: Associated) -> bytes:
    """Return the name of the client's Security setup; zeros where there is none."""
    security = terms.client.security
    return bytes(6) if security is None else security_setup_name(security.instance).to_bytes()


def _named(objects: Iterable[CosemObject], wanted: object, clearance: Clearance) -> bytes:
    match wanted:
        case (int(class_id), bytes(name), int(index)):
            for one in objects:
                attribute = one.attributes.get(index)
                if one.class_id != class_id or one.obis.to_bytes() != name or attribute is None:
                    continue
                if attribute.read is not None and attribute.is_readable(clearance):
                    return attribute.read()
            return axdr.encode_null()
        case _:
            raise type_unmatched()


def object_list(objects: Iterable[CosemObject], terms: Associated) -> bytes:
    """Return the object_list of an association with logical names."""
    clearance = terms.client.clearance
    return axdr.encode_array(
        [
            axdr.encode_structure(
                [
                    axdr.encode_long_unsigned(one.class_id),
                    axdr.encode_unsigned(one.version),
                    axdr.encode_octet_string(one.obis.to_bytes()),
                    axdr.encode_structure(
                        [_attribute_rights(one, clearance), _method_rights(one, clearance, terms.version)]
                    ),
                ]
            )
            for one in objects
        ]
    )


def _attribute_rights(one: CosemObject, clearance: Clearance) -> bytes:
    return axdr.encode_array(
        [
            axdr.encode_structure(
                [
                    axdr.encode_integer(index),
                    axdr.encode_enum(_mode(attribute, clearance)),
                    axdr.encode_array([axdr.encode_integer(number) for number in attribute.selectors])
                    if attribute.selectors
                    else axdr.encode_null(),
                ]
            )
            for index, attribute in sorted(one.attributes.items())
        ]
    )


def _method_rights(one: CosemObject, clearance: Clearance, version: int) -> bytes:
    rights: list[bytes] = []
    for index, method in sorted(one.methods.items()):
        may = clearance >= method.invoker
        told = 0 if not may else _EXECUTE if method.mode is None else method.mode
        mode = axdr.encode_boolean(bool(told)) if version < _BOOLEAN_BEFORE else axdr.encode_enum(told)
        rights.append(axdr.encode_structure([axdr.encode_integer(index), mode]))
    return axdr.encode_array(rights)


def _mode(attribute: Attribute, clearance: Clearance) -> int:
    if attribute.mode is not None and (attribute.write is None or attribute.is_writable(clearance)):
        return attribute.mode
    return _READ * attribute.is_readable(clearance) | _WRITE * attribute.is_writable(clearance)


def _access_rights_list(bases: Mapping[int, CosemObject], clearance: Clearance) -> bytes:
    return axdr.encode_array(
        [
            axdr.encode_structure(
                [
                    axdr.encode_long(base - 0x10000 if base > 0x7FFF else base),
                    _attribute_rights(one, clearance),
                    _method_rights(one, clearance, _BOOLEAN_BEFORE),
                ]
            )
            for base, one in sorted(bases.items())
        ]
    )


def _partners(terms: Associated) -> bytes:
    sap = terms.client.sap
    return axdr.encode_structure(
        [
            axdr.encode_integer(sap - 256 if 127 < sap < 256 else min(sap, 127)),
            axdr.encode_long_unsigned(terms.server_sap),
        ]
    )


def _context(terms: Associated) -> bytes:
    bits = axdr.BitString(terms.conformance.to_bytes(3, "big"), 24)
    return axdr.encode_structure(
        [
            axdr.encode_bit_string(bits),
            axdr.encode_long_unsigned(terms.max_receive_pdu),
            axdr.encode_long_unsigned(terms.max_send_pdu),
            axdr.encode_unsigned(_DLMS_VERSION),
            axdr.encode_integer(0),
            axdr.encode_octet_string(b""),
        ]
    )
