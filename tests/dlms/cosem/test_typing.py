"""What type checkers see: an attribute is a typed reference on an object, its declaration on the class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_type

from meterkit.codec import axdr
from meterkit.codec.cosem_time import CosemDateTime
from meterkit.dlms.cosem.classes import (
    AssociationLnV3,
    Clock,
    DisconnectControl,
    DisconnectControlV1,
    ImageTransfer,
    ProfileGeneric,
    PushSetup,
    PushSetupV2,
    Register,
    TokenGateway,
)
from meterkit.dlms.cosem.declare import AttributeRef, MethodRef, attribute, method
from meterkit.dlms.cosem.definitions import CaptureObject, ScalerUnit
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.cosem.payment import TokenStatus
from meterkit.dlms.cosem.push_and_image import ImageBlock, RepetitionDelay
from meterkit.dlms.cosem.switches_and_limits import ControlState
from meterkit.dlms.cosem.units import Unit

if TYPE_CHECKING:
    from meterkit.dlms.objects_client import ObjectValues, call_method, get_value, read_object, set_value
    from meterkit.dlms.referencing import Referencing
    from meterkit.result import Result

    async def calls(services: Referencing) -> None:
        """Typed calls, which only a type checker looks at."""
        register, breaker = Register("1.8.0"), DisconnectControl("0-0:96.3.10")
        gateway = TokenGateway("0-0:19.40.0")
        assert_type(await get_value(services, register.scaler_unit), Result[ScalerUnit])
        assert_type(await get_value(services, breaker.control_state), Result[ControlState])
        assert_type(await set_value(services, Clock("0-0:1.0.0").time_zone, -60), Result[None])
        assert_type(await call_method(services, breaker.remote_disconnect), Result[None])
        assert_type(await call_method(services, gateway.enter, b"1"), Result[TokenStatus])
        assert_type(await read_object(services, register), Result[ObjectValues])


def test_references_carry_their_types() -> None:
    profile, breaker = ProfileGeneric("1-0:99.1.0"), DisconnectControlV1("0-0:96.3.10")
    assert_type(Register("1.8.0").scaler_unit, AttributeRef[ScalerUnit])
    assert_type(Register("1.8.0").value, AttributeRef[Any])
    assert_type(Register("1.8.0").logical_name, AttributeRef[ObisCode])
    assert_type(Clock("0-0:1.0.0").time, AttributeRef[CosemDateTime])
    assert_type(profile.capture_objects, AttributeRef[tuple[CaptureObject, ...]])
    assert_type(profile.sort_object, AttributeRef[CaptureObject | None])
    assert_type(profile.buffer, AttributeRef[list[axdr.Value]])
    assert_type(breaker.control_state, AttributeRef[ControlState])
    assert_type(breaker.remote_disconnect, MethodRef[None, None])
    assert_type(ImageTransfer("0-0:44.0.0").image_block_transfer, MethodRef[ImageBlock, None])
    assert_type(TokenGateway("0-0:19.40.0").enter, MethodRef[bytes, TokenStatus])


def test_a_version_may_have_another_type() -> None:
    assert_type(PushSetup("0-0:25.9.0").repetition_delay, AttributeRef[int])
    assert_type(PushSetupV2("0-0:25.9.0").repetition_delay, AttributeRef[RepetitionDelay])
    (element,) = AssociationLnV3("0-0:40.0.0").object_list.type.decode(
        bytes.fromhex("0101020412000811000906000001 0000ff 0202 0100 0100".replace(" ", ""))
    )
    assert_type(element.class_id, int)


def test_declarations_and_values_have_their_types() -> None:
    assert_type(Register.scaler_unit, attribute[ScalerUnit])
    assert_type(Register.reset, method[None, None])
    unit = Register("1.8.0").scaler_unit.decode(bytes.fromhex("02020ffd161e"))
    assert_type(unit, ScalerUnit)
    assert_type(unit.scaler, int)
    assert_type(unit.unit, Unit)
    assert_type(ScalerUnit(-3, Unit.WATT_HOUR), ScalerUnit)
