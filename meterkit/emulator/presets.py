"""Ready-made meters by firmware: what `EmulatorConfiguration.preset` starts from.

    2.10     no BT21, no BT71: BT20 and BT70 stand in; one load profile; daily self reads
    3.70     two demands with a coincident, BIDN in BT26, the alternate event log ET79
    4.30     behind current transformers: 8 tiers, 4 demands, cumulative; 19 summations, 84 present values
    c12.19   no OSGP meter at all: most significant octet first, units and ratios in ST12 to ST16

Source: OSGP guide, for what each firmware has.
"""

from __future__ import annotations

from collections.abc import Mapping

PRESETS: Mapping[str, Mapping[str, object]] = {
    "2.10": {
        "firmware_version": (2, 10, 1),
        "serial_number": "2010000000000210",
        "utility_serial_number": "METERKIT-0210",
        "self_read_schedule": "daily",
    },
    "3.70": {
        "firmware_version": (3, 70, 4),
        "serial_number": "2014000000000370",
        "utility_serial_number": "METERKIT-0370",
        "demands": ({"source": 0}, {"source": 1}),
        "coincidents": ({"source": 2, "demand": 0},),
        "bidn": 7,
        "self_reads": 24,
        "self_read_schedule": "daily",
    },
    "4.30": {
        "firmware_version": (4, 30, 2),
        "serial_number": "2020000000000430",
        "utility_serial_number": "METERKIT-0430",
        "ct_ratio": 40,
        "nbr_tiers": 8,
        "demands": ({"source": 0}, {"source": 1}, {"source": 2}, {"source": 0, "is_maximum": False}),
        "coincidents": ({"source": 2, "demand": 0}, {"source": 3, "demand": 1}),
        "cumulative_demand": True,
        "bidn": 43,
        "self_reads": 31,
        "self_read_schedule": "daily",
        "event_log_entries": 200,
        "first_event": 65_000,
    },
    "c12.19": {
        "dialect": "c12.19",
        "manufacturer": "MKIT",
        "model": "GENERIC",
        "serial_number": "MK-0000001",
        "id_form": "char",
        "byte_order": "big",
        "firmware_version": (1, 2, 0),
        "ct_ratio": 20,
        "vt_ratio": 2,
        "demands": ({"source": 0}, {"source": 1}),
        "coincidents": ({"source": 2, "demand": 0},),
        "self_read_schedule": "monthly",
        "load_profile": ({"sources": (0, 1, 2, 3)},),
    },
}
