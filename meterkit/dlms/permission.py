"""Whether a service may be asked for: the association's state, and the conformance that was granted.

A meter that is asked for a service it did not grant answers with an exception, or not at all.  So the answer
is given here, before anything is sent.  Source: IEC 62056-53, conformance block; Green Book 9.4.6.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from meterkit.dlms.apdu import Apdu
from meterkit.dlms.apdu.access import AccessGet, AccessRequest, AccessSet
from meterkit.dlms.apdu.action import ActionRequestNormal, ActionRequestWithList
from meterkit.dlms.apdu.descriptors import SelectedAttribute
from meterkit.dlms.apdu.get import GetRequestNormal, GetRequestWithList
from meterkit.dlms.apdu.set import SetRequestNormal, SetRequestWithList
from meterkit.dlms.apdu.short_name import (
    ParameterisedAccess,
    ReadRequest,
    UnconfirmedWriteRequest,
    VariableAccess,
    WriteRequest,
)
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.state import AssociationState
from meterkit.errors import ErrorKind, MeterError

_NOTHING: Final = Conformance(0)


def objection(apdu: Apdu, state: AssociationState, granted: Conformance | None) -> MeterError | None:
    """Return why the request `apdu` must not be sent in `state`, given what was `granted`; None if it may.

    `granted` is None while it is not known; then only the state matters.
    """
    if state is not AssociationState.ASSOCIATED:
        return MeterError(ErrorKind.STATE, f"{state.value}: associate first (AARQ)")
    if granted is None:
        return None
    needed = needs(apdu)
    if not int(needed) & ~int(granted):
        return None
    lacking = needed & ~granted
    return MeterError(
        ErrorKind.STATE,
        f"the meter did not grant {lacking.words} to this association (it granted {granted.words}); "
        "nothing was sent",
    )


def needs(apdu: Apdu) -> Conformance:
    """Return the bits a request needs to be performed at all.

    Not the priority bit: where priority management is not granted, the meter takes no notice of it.  Nor
    those of block transfer: whether blocks are needed depends on the PDU sizes.
    """
    match apdu:
        case GetRequestNormal(_, attribute, None) if attribute.attribute:
            return Conformance.GET
        case GetRequestNormal(_, attribute, selection):
            return Conformance.GET | _reading([(attribute, selection)])
        case GetRequestWithList(_, attributes):
            return Conformance.GET | Conformance.MULTIPLE_REFERENCES | _reading(attributes)
        case SetRequestNormal(_, attribute, selection):
            return Conformance.SET | _writing([(attribute, selection)])
        case SetRequestWithList(_, attributes):
            return Conformance.SET | Conformance.MULTIPLE_REFERENCES | _writing(attributes)
        case ActionRequestNormal():
            return Conformance.ACTION
        case ActionRequestWithList():
            return Conformance.ACTION | Conformance.MULTIPLE_REFERENCES
        case AccessRequest(_, _, specifications):
            reads = [(one.attribute, one.selection) for one in specifications if isinstance(one, AccessGet)]
            writes = [(one.attribute, one.selection) for one in specifications if isinstance(one, AccessSet)]
            return Conformance.ACCESS | _reading(reads) | _writing(writes)
        case ReadRequest(variables):
            return Conformance.READ | _naming(variables)
        case WriteRequest(variables):
            return Conformance.WRITE | _naming(variables)
        case UnconfirmedWriteRequest(variables):
            return Conformance.UNCONFIRMED_WRITE | _naming(variables)
        case _:
            return _NOTHING


def _naming(variables: Sequence[VariableAccess]) -> Conformance:
    needed = Conformance.MULTIPLE_REFERENCES if len(variables) > 1 else _NOTHING
    if any(isinstance(variable, ParameterisedAccess) for variable in variables):
        needed |= Conformance.PARAMETERIZED_ACCESS
    return needed


def _reading(attributes: Iterable[SelectedAttribute]) -> Conformance:
    return _selecting(attributes, Conformance.ATTRIBUTE0_SUPPORTED_WITH_GET)


def _writing(attributes: Iterable[SelectedAttribute]) -> Conformance:
    return _selecting(attributes, Conformance.ATTRIBUTE0_SUPPORTED_WITH_SET)


def _selecting(attributes: Iterable[SelectedAttribute], attribute_0: Conformance) -> Conformance:
    needed = _NOTHING
    for descriptor, selection in attributes:
        if selection is not None:
            needed |= Conformance.SELECTIVE_ACCESS
        if descriptor.attribute == 0:
            needed |= attribute_0
    return needed
