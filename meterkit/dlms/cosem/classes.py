"""Every interface class by its name, and by class_id and version.

    from meterkit.dlms.cosem.classes import Register, class_for

    class_for(3, 0)             Register
    class_for(8200, 0)("...")   a class nobody declared: read by number, as plain Python

Source: Blue Book 4.2 (list of interface classes).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from meterkit.dlms.cosem.access_control import (
    AssociationLn,
    AssociationLnV1,
    AssociationLnV2,
    AssociationLnV3,
    AssociationSn,
    AssociationSnV1,
    AssociationSnV2,
    SapAssignment,
)
from meterkit.dlms.cosem.clock_and_schedules import (
    ActivityCalendar,
    Clock,
    Schedule,
    ScriptTable,
    SingleActionSchedule,
    SpecialDaysTable,
)
from meterkit.dlms.cosem.data_and_registers import (
    Data,
    DemandRegister,
    ExtendedRegister,
    Register,
    RegisterActivation,
    RegisterTable,
    StatusMapping,
)
from meterkit.dlms.cosem.declare import DECLARED, CosemObject, generic
from meterkit.dlms.cosem.g3_plc import (
    G3AdaptationLayerSetup,
    G3AdaptationLayerSetupV2,
    G3AdaptationLayerSetupV3,
    G3MacLayerCounters,
    G3MacSetup,
    G3MacSetupV2,
    G3MacSetupV3,
    G3MacSetupV4,
)
from meterkit.dlms.cosem.mbus import (
    MbusClient,
    MbusClientV1,
    MbusDiagnostic,
    MbusMasterPortSetup,
    MbusPortSetup,
    MbusSlavePortSetup,
    WirelessModeQChannel,
)
from meterkit.dlms.cosem.mobile_networks import (
    GprsModemSetup,
    GsmDiagnostic,
    GsmDiagnosticV1,
    LteMonitoring,
    LteMonitoringV1,
)
from meterkit.dlms.cosem.networks import (
    CoapDiagnostic,
    CoapSetup,
    Ipv4Setup,
    Ipv6Setup,
    MacAddressSetup,
    NtpSetup,
    PppSetup,
    TcpUdpSetup,
)
from meterkit.dlms.cosem.payment import (
    Account,
    Charge,
    Credit,
    TokenGateway,
)
from meterkit.dlms.cosem.ports import (
    AutoAnswer,
    AutoAnswerV2,
    AutoConnect,
    AutoConnectV2,
    IecHdlcSetup,
    IecHdlcSetupV1,
    IecLocalPortSetup,
    IecTwistedPairSetup,
    ModemConfiguration,
    ModemConfigurationV1,
)
from meterkit.dlms.cosem.power_line import (
    LlcSscsSetup,
    PrimeApplicationsIdentification,
    PrimeMacCounters,
    PrimeMacFunctionalParameters,
    PrimeMacNetworkAdministrationData,
    PrimeMacSetup,
    PrimePhysicalLayerCounters,
    SfskActiveInitiator,
    SfskMacCounters,
    SfskMacSynchronizationTimeouts,
    SfskPhyMacSetup,
    SfskReportingSystemList,
)
from meterkit.dlms.cosem.profile import (
    CompactData,
    ProfileGeneric,
    UtilityTables,
)
from meterkit.dlms.cosem.push_and_image import (
    ImageTransfer,
    PushSetup,
    PushSetupV1,
    PushSetupV2,
)
from meterkit.dlms.cosem.security_setup import (
    CommunicationPortProtection,
    DataProtection,
    SecuritySetup,
    SecuritySetupV1,
)
from meterkit.dlms.cosem.switches_and_limits import (
    Arbitrator,
    ArrayManager,
    DisconnectControl,
    DisconnectControlV1,
    FunctionControl,
    Limiter,
    ParameterMonitor,
    RegisterMonitor,
)
from meterkit.dlms.cosem.zigbee import (
    ZigbeeNetworkControl,
    ZigbeeSasApsFragmentation,
    ZigbeeSasJoin,
    ZigbeeSasStartup,
)

__all__ = [
    "CLASSES",
    "Account",
    "ActivityCalendar",
    "Arbitrator",
    "ArrayManager",
    "AssociationLn",
    "AssociationLnV1",
    "AssociationLnV2",
    "AssociationLnV3",
    "AssociationSn",
    "AssociationSnV1",
    "AssociationSnV2",
    "AutoAnswer",
    "AutoAnswerV2",
    "AutoConnect",
    "AutoConnectV2",
    "Charge",
    "Clock",
    "CoapDiagnostic",
    "CoapSetup",
    "CommunicationPortProtection",
    "CompactData",
    "CosemObject",
    "Credit",
    "Data",
    "DataProtection",
    "DemandRegister",
    "DisconnectControl",
    "DisconnectControlV1",
    "ExtendedRegister",
    "FunctionControl",
    "G3AdaptationLayerSetup",
    "G3AdaptationLayerSetupV2",
    "G3AdaptationLayerSetupV3",
    "G3MacLayerCounters",
    "G3MacSetup",
    "G3MacSetupV2",
    "G3MacSetupV3",
    "G3MacSetupV4",
    "GprsModemSetup",
    "GsmDiagnostic",
    "GsmDiagnosticV1",
    "IecHdlcSetup",
    "IecHdlcSetupV1",
    "IecLocalPortSetup",
    "IecTwistedPairSetup",
    "ImageTransfer",
    "Ipv4Setup",
    "Ipv6Setup",
    "Limiter",
    "LlcSscsSetup",
    "LteMonitoring",
    "LteMonitoringV1",
    "MacAddressSetup",
    "MbusClient",
    "MbusClientV1",
    "MbusDiagnostic",
    "MbusMasterPortSetup",
    "MbusPortSetup",
    "MbusSlavePortSetup",
    "ModemConfiguration",
    "ModemConfigurationV1",
    "NtpSetup",
    "ParameterMonitor",
    "PppSetup",
    "PrimeApplicationsIdentification",
    "PrimeMacCounters",
    "PrimeMacFunctionalParameters",
    "PrimeMacNetworkAdministrationData",
    "PrimeMacSetup",
    "PrimePhysicalLayerCounters",
    "ProfileGeneric",
    "PushSetup",
    "PushSetupV1",
    "PushSetupV2",
    "Register",
    "RegisterActivation",
    "RegisterMonitor",
    "RegisterTable",
    "SapAssignment",
    "Schedule",
    "ScriptTable",
    "SecuritySetup",
    "SecuritySetupV1",
    "SfskActiveInitiator",
    "SfskMacCounters",
    "SfskMacSynchronizationTimeouts",
    "SfskPhyMacSetup",
    "SfskReportingSystemList",
    "SingleActionSchedule",
    "SpecialDaysTable",
    "StatusMapping",
    "TcpUdpSetup",
    "TokenGateway",
    "UtilityTables",
    "WirelessModeQChannel",
    "ZigbeeNetworkControl",
    "ZigbeeSasApsFragmentation",
    "ZigbeeSasJoin",
    "ZigbeeSasStartup",
    "class_for",
    "versions_of",
]


#: Every declared class by (class_id, version).
CLASSES: Final[Mapping[tuple[int, int], type[CosemObject]]] = MappingProxyType(DECLARED)


def class_for(class_id: int, version: int) -> type[CosemObject]:
    """Return the class of an object; one that is not declared is read by number, as plain Python.

    A version that is not declared is not taken for another: its attributes may mean something else.
    """
    return CLASSES.get((class_id, version)) or generic(class_id, version)


def versions_of(class_id: int) -> tuple[type[CosemObject], ...]:
    """Return the declared versions of a class, the oldest first."""
    return tuple(cls for (known, _), cls in sorted(CLASSES.items()) if known == class_id)
