"""Interface classes of mobile networks: GPRS modem setup, GSM diagnostic, LTE monitoring.

    cell_info   { cell_id, location_id, signal_quality, ber [, mcc, mnc, channel_number] }

Source: Blue Book 4.7.7, 4.7.8, class 151 (LTE monitoring); general knowledge.
"""

from __future__ import annotations

from meterkit.dlms.codes import Code
from meterkit.dlms.cosem.composite_types import array, element, structure
from meterkit.dlms.cosem.data_types import (
    DATE_TIME,
    DOUBLE_LONG_UNSIGNED,
    INTEGER,
    LONG_UNSIGNED,
    OCTET_STRING,
    UNSIGNED,
    VISIBLE_STRING,
)
from meterkit.dlms.cosem.declare import CosemObject, attribute


@structure
class QualityOfServiceElement:
    """Quality of service as GSM 03.60 numbers it."""

    precedence: int = element(UNSIGNED)
    delay: int = element(UNSIGNED)
    reliability: int = element(UNSIGNED)
    peak_throughput: int = element(UNSIGNED)
    mean_throughput: int = element(UNSIGNED)


@structure
class QualityOfService:
    """The quality by default, and the one to ask for."""

    default: QualityOfServiceElement = element(QualityOfServiceElement)
    requested: QualityOfServiceElement = element(QualityOfServiceElement)


class GprsModemSetup(CosemObject, class_id=45, version=0):
    """GPRS modem setup: access point, PIN, quality of service."""

    apn = attribute(2, OCTET_STRING, static=True)
    pin_code = attribute(3, LONG_UNSIGNED, static=True)
    quality_of_service = attribute(4, QualityOfService, static=True)


class GsmStatus(Code):
    """Whether a modem is registered."""

    NOT_REGISTERED = 0, "not registered"
    HOME_NETWORK = 1, "registered, home network"
    SEARCHING = 2, "not registered, but searching"
    DENIED = 3, "registration denied"
    UNKNOWN = 4, "unknown"
    ROAMING = 5, "registered, roaming"


class CsAttachment(Code):
    """The circuit switched side."""

    INACTIVE = 0, "inactive"
    INCOMING_CALL = 1, "an incoming call"
    ACTIVE = 2, "active"


class PsStatus(Code):
    """The packet switched side."""

    INACTIVE = 0, "inactive"
    GPRS = 1, "GPRS"
    EDGE = 2, "EDGE"
    UMTS = 3, "UMTS"
    HSDPA = 4, "HSDPA"
    LTE = 5, "LTE"
    CDMA = 6, "CDMA"
    LTE_CAT_M1 = 7, "LTE Cat M1"
    LTE_CAT_NB1 = 8, "LTE Cat NB1"
    LTE_CAT_NB2 = 9, "LTE Cat NB2"


@structure
class CellInfo:
    """The cell in use, version 0."""

    cell_id: int = element(LONG_UNSIGNED)
    location_id: int = element(LONG_UNSIGNED)
    signal_quality: int = element(UNSIGNED)  #: 0 -113 dBm or less .. 31 -51 dBm or more; 99 unknown
    ber: int = element(UNSIGNED)  #: bit error rate, 0 to 7; 99 unknown


@structure
class CellInfoV1:
    """The cell in use, version 1."""

    cell_id: int = element(DOUBLE_LONG_UNSIGNED)
    location_id: int = element(LONG_UNSIGNED)
    signal_quality: int = element(UNSIGNED)  #: as in version 0
    ber: int = element(UNSIGNED)  #: bit error rate, 0 to 7; 99 unknown
    mcc: int = element(LONG_UNSIGNED)  #: mobile country code
    mnc: int = element(LONG_UNSIGNED)  #: mobile network code
    channel_number: int = element(DOUBLE_LONG_UNSIGNED)


@structure
class AdjacentCell:
    """A neighbour of the cell in use, version 0."""

    cell_id: int = element(LONG_UNSIGNED)
    signal_quality: int = element(UNSIGNED)


@structure
class AdjacentCellV1:
    """A neighbour of the cell in use, version 1."""

    cell_id: int = element(DOUBLE_LONG_UNSIGNED)
    signal_quality: int = element(UNSIGNED)


class GsmDiagnosticBase(CosemObject, class_id=47):
    """What every version of GSM diagnostic has."""

    operator = attribute(2, VISIBLE_STRING)
    status = attribute(3, GsmStatus)
    cs_attachment = attribute(4, CsAttachment)
    ps_status = attribute(5, PsStatus)
    capture_time = attribute(8, DATE_TIME)


class GsmDiagnostic(GsmDiagnosticBase, version=0):
    """GSM diagnostic, version 0: network, cell, signal."""

    cell_info = attribute(6, CellInfo)
    adjacent_cells = attribute(7, array(AdjacentCell))


class GsmDiagnosticV1(GsmDiagnosticBase, version=1):
    """GSM diagnostic, version 1: longer cell ids, country and network codes."""

    cell_info = attribute(6, CellInfoV1)
    adjacent_cells = attribute(7, array(AdjacentCellV1))

    withheld = ("version 2",)


class CoverageEnhancement(Code):
    """The level of coverage enhancement of LTE Cat M and NB."""

    LEVEL_0 = 0, "level 0"
    LEVEL_1 = 1, "level 1"
    LEVEL_2 = 2, "level 2"


@structure
class LteNetworkParameters:
    """Timers and levels that the network set, version 0."""

    t3402: int = element(LONG_UNSIGNED)  #: seconds
    t3412: int = element(LONG_UNSIGNED)  #: seconds
    rsrq: int = element(UNSIGNED)
    rsrp: int = element(UNSIGNED)
    q_rxlev_min: int = element(INTEGER)


@structure
class LteNetworkParametersV1:
    """Timers and levels that the network set, version 1."""

    t3402: int = element(LONG_UNSIGNED)
    t3412: int = element(LONG_UNSIGNED)
    t3412ext2: int = element(DOUBLE_LONG_UNSIGNED)
    t3324: int = element(LONG_UNSIGNED)
    te_drx: int = element(DOUBLE_LONG_UNSIGNED)
    t_ptw: int = element(LONG_UNSIGNED)
    q_rxlev_min: int = element(INTEGER)
    q_rxlev_min_ce: int = element(INTEGER)
    q_rxlev_min_ce1: int = element(INTEGER)


@structure
class LteQualityOfService:
    """Signal quality and level."""

    rsrq: int = element(INTEGER)
    rsrp: int = element(INTEGER)
    snr: int = element(INTEGER)
    coverage_enhancement: CoverageEnhancement = element(CoverageEnhancement)


class LteMonitoring(CosemObject, class_id=151, version=0):
    """LTE monitoring, version 0: what the network set."""

    lte_network_parameters = attribute(2, LteNetworkParameters)


class LteMonitoringV1(CosemObject, class_id=151, version=1):
    """LTE monitoring, version 1: what the network set, and how well it is heard."""

    lte_network_parameters = attribute(2, LteNetworkParametersV1)
    lte_quality_of_service = attribute(3, LteQualityOfService)
