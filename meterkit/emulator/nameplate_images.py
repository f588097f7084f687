"""What the generic emulated meter says of itself and its place: ST2, ST6, ST40 and ST41 as octets.

Source: C12.19 Tables 2, 6, 40 and 41; the layouts are `meterkit.psem.tables.identity`'s and `.security`'s.
"""

from __future__ import annotations

from meterkit.codec.layout import Context
from meterkit.emulator.configuration import PASSWORD_SIZE, EmulatorConfiguration, MeterTarget
from meterkit.psem.tables.identity import DeviceNameplate, ElectricNameplate, UtilInfo
from meterkit.psem.tables.security import ActSecurityLimiting, DimSecurityLimiting

_DES_KEY_SIZE = 8  # octets
_PASSWORDS = 3  # the three keys
_60_HZ, _TWO_ELEMENTS = 4, 2  # codes of E_ELEMENTS
_MISC_ID_SIZE = 30  # octets
_IDENTIFICATION_SIZE = 20  # characters or digits


def nameplate_images(configuration: EmulatorConfiguration, context: Context) -> dict[int, bytes]:
    """Encode the tables by number."""
    limits = {
        "nbr_passwords": _PASSWORDS,
        "password_len": PASSWORD_SIZE,
        "nbr_keys": int(configuration.authentication_key is not None),
        "key_len": _DES_KEY_SIZE,
        "nbr_perm_used": 0,
    }
    return {
        2: DeviceNameplate.resolve(context).encode(_nameplate(configuration)),
        6: UtilInfo.resolve(context).encode(_utility(configuration)),
        40: DimSecurityLimiting.resolve(context).encode(DimSecurityLimiting(**limits)),
        41: ActSecurityLimiting.resolve(context).encode(ActSecurityLimiting(**limits)),
    }


def _nameplate(configuration: EmulatorConfiguration) -> DeviceNameplate:
    """Return the nameplate of a class 200 meter for 60 Hz; gas and water meters have none here."""
    if configuration.target is not MeterTarget.ELECTRIC:
        return DeviceNameplate(electric=None)
    return DeviceNameplate(
        electric=ElectricNameplate(
            e_kh=1.8,
            e_kt=0.6,
            e_input_scalar=1,
            e_ed_config="12S",
            e_elements=_60_HZ | _TWO_ELEMENTS << 3,
            e_volts=0,
            e_class_max_amps=200.0,
            e_ta=30.0,
        )
    )


def _identification(text: str, configuration: EmulatorConfiguration) -> str:
    """Return as much of `text` as an identification holds: 20 characters, or 20 digits."""
    if configuration.id_form == "bcd":
        text = "".join(filter(str.isdecimal, text))
    return text[:_IDENTIFICATION_SIZE]


def _utility(configuration: EmulatorConfiguration) -> UtilInfo:
    return UtilInfo(
        owner_name="METERKIT",
        utility_div="",
        service_point_id="",
        elec_addr="",
        device_id=_identification(configuration.serial_number, configuration),
        util_ser_no=_identification(configuration.utility_serial_number, configuration),
        customer_id="",
        coordinate_1="",
        coordinate_2="",
        coordinate_3="",
        tariff_id="TOU",
        ex1_sw_vendor="MKIT",
        ex1_sw_version_number=1,
        ex1_sw_revision_number=0,
        ex2_sw_vendor="MKIT",
        ex2_sw_version_number=1,
        ex2_sw_revision_number=0,
        programmer_name="",
        misc_id=bytes(_MISC_ID_SIZE),
    )
