"""Interface classes of payment: account, credit, charge, token gateway.

    account  ->  credits by priority, charges taken from the credit in use, tokens through the gateway

Amounts are in the account's currency { name, scale, unit }.
Source: Blue Book 4.6.2 to 4.6.5; general knowledge.
"""

from __future__ import annotations

from enum import IntFlag

from meterkit.codec.axdr import BitString
from meterkit.dlms.codes import Code
from meterkit.dlms.cosem.composite_types import array, element, structure
from meterkit.dlms.cosem.data_types import (
    BIT_STRING,
    DATE_TIME,
    DOUBLE_LONG,
    DOUBLE_LONG_UNSIGNED,
    INTEGER,
    LOGICAL_NAME,
    LONG,
    LONG_UNSIGNED,
    NOTHING,
    OCTET_DATE_TIME,
    OCTET_STRING,
    UNSIGNED,
    UTF8_STRING,
    BitFlagsType,
)
from meterkit.dlms.cosem.declare import CosemObject, attribute, method
from meterkit.dlms.cosem.definitions import ValueDefinition
from meterkit.dlms.cosem.obis import ObisCode


# ---------------------------------------------------------------- account
class AccountMode(Code):
    """Who pays first."""

    CREDIT_MODE = 1, "credit: paid afterwards"
    PREPAYMENT_MODE = 2, "prepayment: paid before"


class AccountStatus(Code):
    """Whether an account is in use."""

    NEW_INACTIVE = 1, "new, not active"
    ACTIVE = 2, "active"
    CLOSED = 3, "closed"


class CurrencyUnit(Code):
    """What amounts are counted in."""

    TIME = 0, "time"
    CONSUMPTION = 1, "consumption"
    MONETARY = 2, "money"


class CurrentCreditStatus(IntFlag):
    """What the credit of an account is like."""

    IN_CREDIT = 1
    LOW_CREDIT = 2
    NEXT_CREDIT_ENABLED = 4
    NEXT_CREDIT_SELECTABLE = 8
    NEXT_CREDIT_SELECTED = 16
    SELECTABLE_CREDIT_IN_USE = 32
    OUT_OF_CREDIT = 64


class CollectionConfiguration(IntFlag):
    """When a charge is not collected from a credit."""

    COLLECT_WHEN_SUPPLY_DISCONNECTED = 1
    COLLECT_IN_LOAD_LIMITING_PERIODS = 2
    COLLECT_IN_FRIENDLY_CREDIT_PERIODS = 4


@structure
class AccountModeAndStatus:
    """Who pays first, and whether the account is in use."""

    account_mode: AccountMode = element(AccountMode)
    account_status: AccountStatus = element(AccountStatus)


@structure
class CreditChargeConfiguration:
    """Which charge is collected from which credit, and when."""

    credit_reference: ObisCode = element(LOGICAL_NAME)
    charge_reference: ObisCode = element(LOGICAL_NAME)
    collection_configuration: CollectionConfiguration = element(BitFlagsType(CollectionConfiguration, 3))


@structure
class TokenGatewayConfiguration:
    """Which part of a token goes to which credit."""

    credit_reference: ObisCode = element(LOGICAL_NAME)
    token_proportion: int = element(UNSIGNED)  #: percent


@structure
class Currency:
    """What amounts are counted in: an amount times 10^scale."""

    currency_name: str = element(UTF8_STRING)
    currency_scale: int = element(INTEGER)
    currency_unit: CurrencyUnit = element(CurrencyUnit)


class Account(CosemObject, class_id=111, version=0):
    """Account: what one supply owes and has."""

    account_mode_and_status = attribute(2, AccountModeAndStatus, static=True)
    current_credit_in_use = attribute(3, UNSIGNED)  #: index into credit_reference_list
    current_credit_status = attribute(4, BitFlagsType(CurrentCreditStatus, 8))
    available_credit = attribute(5, DOUBLE_LONG)
    amount_to_clear = attribute(6, DOUBLE_LONG)
    clearance_threshold = attribute(7, DOUBLE_LONG, static=True)
    aggregated_debt = attribute(8, DOUBLE_LONG)
    credit_reference_list = attribute(9, array(LOGICAL_NAME), static=True)
    charge_reference_list = attribute(10, array(LOGICAL_NAME), static=True)
    credit_charge_configuration = attribute(11, array(CreditChargeConfiguration), static=True)
    token_gateway_configuration = attribute(12, array(TokenGatewayConfiguration), static=True)
    account_activation_time = attribute(13, OCTET_DATE_TIME, static=True)
    account_closure_time = attribute(14, OCTET_DATE_TIME, static=True)
    currency = attribute(15, Currency, static=True)
    low_credit_threshold = attribute(16, DOUBLE_LONG, static=True)
    next_credit_available_threshold = attribute(17, DOUBLE_LONG, static=True)
    max_provision = attribute(18, LONG_UNSIGNED, static=True)
    max_provision_period = attribute(19, DOUBLE_LONG, static=True)  #: seconds
    activate_account = method(1, NOTHING)
    close_account = method(2, NOTHING)
    reset_account = method(3, NOTHING)


# ---------------------------------------------------------------- credit
class CreditType(Code):
    """Where a credit comes from."""

    TOKEN = 0, "tokens"
    RESERVED = 1, "a reserve"
    EMERGENCY = 2, "an emergency credit"
    TIME_BASED = 3, "time"
    CONSUMPTION_BASED = 4, "consumption"


class CreditStatus(Code):
    """How far a credit is."""

    ENABLED = 0, "enabled"
    SELECTABLE = 1, "to be selected"
    SELECTED = 2, "selected"
    IN_USE = 3, "in use"
    EXHAUSTED = 4, "exhausted"


class CreditConfiguration(IntFlag):
    """How a credit behaves."""

    REQUIRES_VISUAL_INDICATION = 1
    REQUIRES_CONFIRMATION = 2
    REQUIRES_PAYING_BACK = 4
    RESETTABLE = 8
    RECEIVES_TOKENS = 16


class Credit(CosemObject, class_id=112, version=0):
    """Credit: an amount that charges are taken from."""

    current_credit_amount = attribute(2, DOUBLE_LONG)
    credit_type = attribute(3, CreditType, static=True)
    priority = attribute(4, UNSIGNED, static=True)  #: 1 the highest
    warning_threshold = attribute(5, DOUBLE_LONG, static=True)
    limit = attribute(6, DOUBLE_LONG, static=True)
    credit_configuration = attribute(7, BitFlagsType(CreditConfiguration, 5), static=True)
    credit_status = attribute(8, CreditStatus)
    preset_credit_amount = attribute(9, DOUBLE_LONG, static=True)
    credit_available_threshold = attribute(10, DOUBLE_LONG, static=True)
    period = attribute(11, OCTET_DATE_TIME, static=True)  #: when preset_credit_amount is added
    update_amount = method(1, DOUBLE_LONG)
    set_amount_to_value = method(2, DOUBLE_LONG)

    withheld = ("method 3 invoke_credit: its parameter",)


# ---------------------------------------------------------------- charge
class ChargeType(Code):
    """What a charge is for."""

    CONSUMPTION_BASED_COLLECTION = 0, "consumption"
    TIME_BASED_COLLECTION = 1, "time"
    PAYMENT_EVENT_BASED_COLLECTION = 2, "payments: a part of each"


class ChargeConfiguration(IntFlag):
    """How a charge is collected."""

    PERCENTAGE_BASED_COLLECTION = 1
    CONTINUOUS_COLLECTION = 2


@structure
class ChargePerUnitScaling:
    """Powers of ten of a charge."""

    commodity_scale: int = element(INTEGER)
    price_scale: int = element(INTEGER)


@structure
class ChargeTableElement:
    """What a unit costs, in one tariff."""

    index: bytes = element(OCTET_STRING)  #: a register activation's mask_name; empty: always
    charge_per_unit: int = element(LONG)


@structure
class UnitCharge:
    """What a unit of a commodity costs."""

    charge_per_unit_scaling: ChargePerUnitScaling = element(ChargePerUnitScaling)
    commodity_reference: ValueDefinition = element(ValueDefinition)
    charge_table: tuple[ChargeTableElement, ...] = element(array(ChargeTableElement))


class Charge(CosemObject, class_id=113, version=0):
    """Charge: what is taken from a credit, and when."""

    total_amount_paid = attribute(2, DOUBLE_LONG)
    charge_type = attribute(3, ChargeType, static=True)
    priority = attribute(4, UNSIGNED, static=True)  #: 1 the highest
    unit_charge_active = attribute(5, UnitCharge, static=True)
    unit_charge_passive = attribute(6, UnitCharge, static=True)
    unit_charge_activation_time = attribute(7, OCTET_DATE_TIME, static=True)
    period = attribute(8, DOUBLE_LONG_UNSIGNED, static=True)  #: seconds
    charge_configuration = attribute(9, BitFlagsType(ChargeConfiguration, 2), static=True)
    last_collection_time = attribute(10, DATE_TIME)
    last_collection_amount = attribute(11, DOUBLE_LONG)
    total_amount_remaining = attribute(12, DOUBLE_LONG)
    proportion = attribute(13, LONG_UNSIGNED, static=True)  #: hundredths of a percent of a payment
    activate_passive_unit_charge = method(2, NOTHING)
    collect = method(3, NOTHING)
    update_total_amount_remaining = method(4, DOUBLE_LONG)
    set_total_amount_remaining = method(5, DOUBLE_LONG)

    withheld = ("method 1 update_unit_charge: its parameter",)


# ---------------------------------------------------------------- tokens
class TokenDeliveryMethod(Code):
    """How a token came."""

    REMOTE = 0, "through remote communications"
    LOCAL = 1, "through local communications"
    MANUAL = 2, "typed in"


class TokenStatusCode(Code):
    """How far a token came."""

    FORMAT_OK = 0, "its format is right"
    AUTHENTICATION_OK = 1, "it is authentic"
    VALIDATION_OK = 2, "it is valid"
    EXECUTION_OK = 3, "it was carried out"
    FORMAT_FAILURE = 4, "its format is wrong"
    AUTHENTICATION_FAILURE = 5, "it is not authentic"
    VALIDATION_FAILURE = 6, "it is not valid"
    EXECUTION_FAILURE = 7, "it was not carried out"
    RECEIVED = 8, "it was received, and waits"


@structure
class TokenStatus:
    """What became of a token."""

    status_code: TokenStatusCode = element(TokenStatusCode)
    data_value: BitString = element(BIT_STRING)


class TokenGateway(CosemObject, class_id=115, version=0):
    """Token gateway: tokens, and what became of the last one."""

    token = attribute(2, OCTET_STRING)
    token_time = attribute(3, OCTET_DATE_TIME)
    token_description = attribute(4, array(OCTET_STRING))
    token_delivery_method = attribute(5, TokenDeliveryMethod)
    token_status = attribute(6, TokenStatus)
    enter = method(1, OCTET_STRING, returns=TokenStatus)
