"""What a meter holds, as its association tells: every object with its class, name and access rights.

    object_list_element (LN) = structure { class_id, version, logical_name, access_rights }
    access_rights            = structure { attribute_access, method_access }
    attribute_access         = array of structure { attribute_id, access_mode, access_selectors }
    objlist_element (SN)     = structure { base_name, class_id, version, logical_name }
    access_rights_element (SN, attribute 3) = structure { base_name, attribute_access, method_access }

Source: Blue Book, Association LN (class 15, attribute 2) and Association SN (class 12, attribute 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, TypeAlias

from meterkit.codec import axdr
from meterkit.dlms.apdu.descriptors import AttributeDescriptor
from meterkit.dlms.cosem.access_control import Access
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.errors import ErrorKind, ProtocolFault, fault

ASSOCIATION_LN: Final = 15  # class_id
ASSOCIATION_SN: Final = 12  # class_id
CURRENT_ASSOCIATION: Final = ObisCode(0, 0, 40, 0, 0, 255)
OBJECT_LIST: Final = 2  # attribute of both classes
CURRENT_LN_ASSOCIATION: Final = AttributeDescriptor(ASSOCIATION_LN, CURRENT_ASSOCIATION, OBJECT_LIST)
CURRENT_SN_ASSOCIATION: Final = AttributeDescriptor(ASSOCIATION_SN, CURRENT_ASSOCIATION, OBJECT_LIST)
SN_ASSOCIATION_NAME: Final = 0xFA00  # base name of the current association, fixed
FLAGS_SINCE: Final = 3  # version of Association LN since which access modes are bits, not an enumeration


_OLD_ATTRIBUTE_MODES: Final = (
    Access.NONE,
    Access.READ,
    Access.WRITE,
    Access.READ | Access.WRITE,
    Access.READ | Access.AUTHENTICATED_REQUEST,
    Access.WRITE | Access.AUTHENTICATED_REQUEST,
    Access.READ | Access.WRITE | Access.AUTHENTICATED_REQUEST,
)
_OLD_METHOD_MODES: Final = (
    Access.NONE,
    Access.EXECUTE,
    Access.EXECUTE | Access.AUTHENTICATED_REQUEST,
)


_Rights: TypeAlias = tuple[Mapping[int, Access], Mapping[int, Access], Mapping[int, tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class ObjectListElement:
    """One object of a meter."""

    class_id: int
    version: int
    obis: ObisCode
    attribute_access: Mapping[int, Access] = field(
        default_factory=dict[int, Access]
    )  #: by attribute; empty where an association SN tells no rights
    method_access: Mapping[int, Access] = field(default_factory=dict[int, Access])  #: by method; likewise
    selectors: Mapping[int, tuple[int, ...]] = field(
        default_factory=dict[int, tuple[int, ...]]
    )  #: of selective access
    base_name: int | None = None  #: short name, 0..0xFFFF; None with logical names

    def __hash__(self) -> int:
        return hash((self.class_id, self.version, self.obis))

    @property
    def has_rights(self) -> bool:
        """Whether the association tells the rights; one with short names does not always."""
        return self.base_name is None or bool(self.attribute_access)

    def is_readable(self, attribute: int) -> bool:
        """Whether `attribute` may be read; True where no rights are told."""
        return not self.has_rights or bool(self.attribute_access.get(attribute, 0) & Access.READ)

    def is_writable(self, attribute: int) -> bool:
        """Whether `attribute` may be written; True where no rights are told."""
        return not self.has_rights or bool(self.attribute_access.get(attribute, 0) & Access.WRITE)


def parse_object_list(octets: bytes) -> tuple[ObjectListElement, ...]:
    """Return the objects of an LN association's object_list, in the meter's order.

    Errors: `ProtocolFault` (DECODE) naming the element.
    """
    elements = _array(octets)
    version = _association_version(elements)
    return tuple(_ln_element(index, element, version) for index, element in enumerate(elements))


def parse_short_name_list(octets: bytes) -> tuple[ObjectListElement, ...]:
    """Return the objects of an SN association's object_list, in the meter's order.

    Errors: `ProtocolFault` (DECODE) naming the element.
    """
    return tuple(_sn_element(index, element) for index, element in enumerate(_array(octets)))


def with_short_name_rights(
    view: tuple[ObjectListElement, ...], octets: bytes
) -> tuple[ObjectListElement, ...]:
    """Return a view with the rights in an SN association's access_rights_list (attribute 3, from version 1).

    Errors: `ProtocolFault` (DECODE) naming the element.
    """
    rights: dict[int, _Rights] = {}
    for index, element in enumerate(_array(octets)):
        match element:
            case (int(base_name), list(attributes), list(methods)):
                rights[base_name & 0xFFFF] = _rights(index, attributes, methods, 0)
            case _:
                raise _odd(index, "base_name, attribute_access, method_access", element)
    return tuple(_with(one, rights.get(one.base_name or 0)) for one in view)


def _with(one: ObjectListElement, rights: _Rights | None) -> ObjectListElement:
    if rights is None:
        return one
    attributes, methods, selectors = rights
    return replace(one, attribute_access=attributes, method_access=methods, selectors=selectors)


def _array(octets: bytes) -> list[axdr.Value]:
    value = axdr.decode(octets, strict=False)
    if not isinstance(value, list):
        came = octets[:16].hex(" ") or "nothing"
        raise fault(ErrorKind.DECODE, f"an array of objects expected, {came} came", where="object_list")
    return value


def _association_version(elements: list[axdr.Value]) -> int:
    """Return the version of the current association, which decides how access modes are written."""
    for element in elements:
        match element:
            case (15, int(version), bytes(name), *_) if name == CURRENT_ASSOCIATION.to_bytes():
                return version
            case _:
                continue
    return 0


def _ln_element(index: int, element: axdr.Value, version: int) -> ObjectListElement:
    match element:
        case (int(class_id), int(own_version), bytes(name), (list(attributes), list(methods))):
            rights = _rights(index, attributes, methods, version)
            return ObjectListElement(class_id, own_version, _obis(index, name), *rights)
        case _:
            raise _odd(index, "class_id, version, logical_name, access_rights", element)


def _rights(index: int, attributes: list[axdr.Value], methods: list[axdr.Value], version: int) -> _Rights:
    """Return the rights to attributes and methods, and the selectors."""
    rights = [_attribute_right(index, item, version) for item in attributes]
    return (
        MappingProxyType({attribute: access for attribute, access, _ in rights}),
        MappingProxyType(dict(_method_right(index, item, version) for item in methods)),
        MappingProxyType({attribute: chosen for attribute, _, chosen in rights if chosen}),
    )


def _attribute_right(index: int, item: axdr.Value, version: int) -> tuple[int, Access, tuple[int, ...]]:
    match item:
        case (int(attribute), int(mode), *rest):
            selectors = rest[0] if rest and isinstance(rest[0], list) else []
            chosen = tuple(selector for selector in selectors if isinstance(selector, int))
            return attribute, _access(mode, version, _OLD_ATTRIBUTE_MODES), chosen
        case _:
            raise _odd(index, "attribute_id, access_mode, access_selectors", item)


def _method_right(index: int, item: axdr.Value, version: int) -> tuple[int, Access]:
    match item:
        case (int(method), int(mode), *_):
            return method, _access(mode, version, _OLD_METHOD_MODES)
        case _:
            raise _odd(index, "method_id, access_mode", item)


def _access(mode: int, version: int, old: tuple[Access, ...]) -> Access:
    if version >= FLAGS_SINCE or not 0 <= mode < len(old):
        return Access(mode & 0xFF)
    return old[mode]


def _sn_element(index: int, element: axdr.Value) -> ObjectListElement:
    match element:
        case (int(base_name), int(class_id), int(version), bytes(name)):
            # base_name is a `long`, with a sign it does not mean: FA00H comes as -1536.
            return ObjectListElement(class_id, version, _obis(index, name), base_name=base_name & 0xFFFF)
        case _:
            raise _odd(index, "base_name, class_id, version, logical_name", element)


def _obis(index: int, name: bytes) -> ObisCode:
    try:
        return ObisCode.from_bytes(name)
    except (ValueError, ProtocolFault):
        raise fault(
            ErrorKind.DECODE,
            f"a logical name of 6 octets expected, {len(name)} came: {name[:16].hex(' ')}",
            where=f"object_list[{index}]",
        ) from None


def _odd(index: int, expected: str, came: axdr.Value) -> ProtocolFault:
    return fault(
        ErrorKind.DECODE,
        f"a structure of {expected} expected, {str(came)[:120]} came",
        where=f"object_list[{index}]",
    )
