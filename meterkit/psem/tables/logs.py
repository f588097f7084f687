"""Decade 70: the history log and the event log.

    header  | flags | valid entries (2) | last element (2) | last sequence (4) | unread (2)      11 octets
    entry   | time | event number | sequence (2) | user (2) | code (2) | argument

The guide's text has the header end at octet 9, its offsets at 10 (D19): the offsets fit the fields.
`log_events` reads the entries in order.  Source: C12.19 Tables 70 to 76; OSGP guide, BT70, BT71, BT74.
ST73 and ST76 are general knowledge of C12.19, unconfirmed.
"""

from __future__ import annotations

from typing import Self

from meterkit.codec.layout import OPTIONAL, Record, array, bit, bits, item, octet_set, octets
from meterkit.psem.tables.config import GenConfig
from meterkit.psem.tables.names import Table
from meterkit.psem.tables.wire import LTIME_DATE, UINT8, UINT16, UINT32


class DimLog(Table, number=70):
    """DIM_LOG_TBL: the largest dimensions of the logs; stands in for ST71 on meters without one."""

    log_flags = item(UINT8)
    event_number_flag = bit(log_flags, 0)  #: entries carry a number common to both logs
    hist_date_time_flag = bit(log_flags, 1)
    hist_seq_nbr_flag = bit(log_flags, 2)
    hist_inhibit_ovf_flag = bit(log_flags, 3)
    event_inhibit_ovf_flag = bit(log_flags, 4)
    # The guide calls these two numbers of events in BT70 and of octets in BT71; C12.19: octets (D22).
    nbr_std_events = item(UINT8)  #: octets of the set of standard events
    nbr_mfg_events = item(UINT8)  #: octets of the set of manufacturer events
    hist_data_length = item(UINT8)  #: octets of a history entry's argument
    event_data_length = item(UINT8)  #: octets of an event entry's argument
    nbr_history_entries = item(UINT16)
    nbr_event_entries = item(UINT16)
    # C12.19-2008, which its version 2 tells; general knowledge, unconfirmed.
    ext_log_flags = item(UINT8, when=GenConfig.std_version_no >= 2, since=OPTIONAL)
    nbr_program_tables = item(UINT16, when=GenConfig.std_version_no >= 2, since=OPTIONAL)


class ActLog(Table, number=71):
    """ACT_LOG_TBL: the logs as they are configured.  Not on OSGP firmware before 2.12."""

    log_flags = item(UINT8)
    event_number_flag = bit(log_flags, 0)  #: entries carry a number common to both logs
    hist_date_time_flag = bit(log_flags, 1)
    hist_seq_nbr_flag = bit(log_flags, 2)
    hist_inhibit_ovf_flag = bit(log_flags, 3)
    event_inhibit_ovf_flag = bit(log_flags, 4)
    nbr_std_events = item(UINT8)  #: octets of the set of standard events
    nbr_mfg_events = item(UINT8)  #: octets of the set of manufacturer events
    hist_data_length = item(UINT8)  #: octets of a history entry's argument
    event_data_length = item(UINT8)  #: octets of an event entry's argument
    nbr_history_entries = item(UINT16)
    nbr_event_entries = item(UINT16)
    ext_log_flags = item(UINT8, when=GenConfig.std_version_no >= 2, since=OPTIONAL)
    nbr_program_tables = item(UINT16, when=GenConfig.std_version_no >= 2, since=OPTIONAL)

    @classmethod
    def from_dimension(cls, dimension: DimLog) -> Self:
        """Return ST70's dimensions as the actual ones, for a meter without ST71."""
        return cls(**{field.name: getattr(dimension, field.name) for field in dimension.fields})


class EventsId(Table, number=72):
    """EVENTS_ID_TBL: the events that the meter can log, by event number."""

    std_events_supported = octet_set(ActLog.nbr_std_events)
    mfg_events_supported = octet_set(ActLog.nbr_mfg_events)


class HistoryLogCtrl(Table, number=73):
    """HISTORY_LOG_CTRL_TBL: what the history log records: events, written tables, procedures by number."""

    std_events_monitored_flags = octet_set(ActLog.nbr_std_events)
    mfg_events_monitored_flags = octet_set(ActLog.nbr_mfg_events)
    std_tbls_monitored_flags = octet_set(GenConfig.dim_std_tbls_used)
    mfg_tbls_monitored_flags = octet_set(GenConfig.dim_mfg_tbls_used)
    std_proc_monitored_flags = octet_set(GenConfig.dim_std_proc_used)
    mfg_proc_monitored_flags = octet_set(GenConfig.dim_mfg_proc_used)


class LogHeader(Table):
    """What stands in front of the entries of every log."""

    list_status_flags = item(UINT8)
    order = bits(list_status_flags, 0, 0)  #: 0: an earlier element is older
    overflow_flag = bit(list_status_flags, 1)  #: more unread entries came than the log holds
    list_type = bits(list_status_flags, 2, 2)  #: 0 FIFO, 1 circular
    inhibit_overflow_flag = bit(list_status_flags, 3)
    nbr_valid_entries = item(UINT16)
    # Range printed up to the number of entries; an index ends one lower, and means nothing in an empty
    # log (D20): `log_events` refuses an index past the array and does not look at it in an empty log.
    last_entry_element = item(UINT16)  #: index of the newest entry
    last_entry_seq_nbr = item(UINT32)  #: sequence number of the newest entry
    nbr_unread_entries = item(UINT16)


class HistoryEntry(Record):
    """One entry of a history log: 12 octets and the argument on OSGP meters."""

    history_time = item(LTIME_DATE, when=ActLog.hist_date_time_flag)  #: OSGP: UTC
    event_number = item(UINT16, when=ActLog.event_number_flag)
    history_seq_nbr = item(UINT16, when=ActLog.hist_seq_nbr_flag)  #: low 16 bits of the sequence number
    user_id = item(UINT16)  #: of the login under which it happened, or see `event_names.user_name`
    # The guide has one 12-bit event id here; C12.19 parts it: a manufacturer's event n is 2048 + n (D21).
    history_code = item(UINT16)
    event_code = bits(history_code, 0, 10)  #: number of the event
    mfg_flag = bit(history_code, 11)  #: the number is the manufacturer's
    history_argument = octets(ActLog.hist_data_length)


class HistoryLogData(LogHeader, number=74):
    """HISTORY_LOG_DATA_TBL: the history log; OSGP: the primary event log."""

    entries = array(HistoryEntry, ActLog.nbr_history_entries)


class AlternateHistoryLogData(LogHeader, number=2127):
    """ET79: the alternate event log of OSGP firmware 3.70 and higher, in BT74's syntax."""

    entries = array(HistoryEntry, ActLog.nbr_history_entries)


class EventEntry(Record):
    """One entry of the event log."""

    event_time = item(LTIME_DATE)
    event_number = item(UINT16, when=ActLog.event_number_flag)
    event_seq_nbr = item(UINT16)  #: low 16 bits of the sequence number
    user_id = item(UINT16)
    event_code_bits = item(UINT16)
    event_code = bits(event_code_bits, 0, 10)  #: number of the event
    mfg_flag = bit(event_code_bits, 11)  #: the number is the manufacturer's
    event_argument = octets(ActLog.event_data_length)


class EventLogData(LogHeader, number=76):
    """EVENT_LOG_DATA_TBL: the event log, which OSGP meters leave empty."""

    entries = array(EventEntry, ActLog.nbr_event_entries)
