"""The results of GET, SET, ACTION, Read and Write, in words.  Source: IEC 62056-53, Data-Access-Result."""

from __future__ import annotations

from meterkit.dlms.codes import Code

_NO_RIGHT = "this association has no right to it; associate as another client"
_NO_OBJECT = "the meter has no such object in this association"
_OTHER_CLASS = "the object is of another class, or of another version of it"
_NOT_NOW = "not available now"
_BUSY = "not now; try again later"
_HARDWARE = "the meter's hardware failed"
_WRONG_TYPE = "the value has another type than the meter expects here"
_OUT_OF_SCOPE = "outside of what may be accessed; check the range or the attribute"
_NO_BLOCK = "the meter does not have the block asked for"
_ABORTED = "the meter gave the block transfer up"
_NOT_BEGUN = "the meter knows of no block transfer that this block belongs to"
_NO_REASON = "the meter gives no reason"


class DataAccessResult(Code):
    """Why an attribute was not read or written."""

    SUCCESS = 0, "done"
    HARDWARE_FAULT = 1, _HARDWARE
    TEMPORARY_FAILURE = 2, _BUSY
    READ_WRITE_DENIED = 3, _NO_RIGHT
    OBJECT_UNDEFINED = 4, _NO_OBJECT
    OBJECT_CLASS_INCONSISTENT = 9, _OTHER_CLASS
    OBJECT_UNAVAILABLE = 11, _NOT_NOW
    TYPE_UNMATCHED = 12, _WRONG_TYPE
    SCOPE_OF_ACCESS_VIOLATED = 13, _OUT_OF_SCOPE
    DATA_BLOCK_UNAVAILABLE = 14, _NO_BLOCK
    LONG_GET_ABORTED = 15, _ABORTED
    NO_LONG_GET_IN_PROGRESS = 16, _NOT_BEGUN
    LONG_SET_ABORTED = 17, _ABORTED
    NO_LONG_SET_IN_PROGRESS = 18, _NOT_BEGUN
    DATA_BLOCK_NUMBER_INVALID = 19, "the meter expected another block number"
    OTHER_REASON = 250, _NO_REASON


class ActionResult(Code):
    """Whether a method was performed."""

    SUCCESS = 0, "done"
    HARDWARE_FAULT = 1, _HARDWARE
    TEMPORARY_FAILURE = 2, _BUSY
    READ_WRITE_DENIED = 3, _NO_RIGHT
    OBJECT_UNDEFINED = 4, _NO_OBJECT
    OBJECT_CLASS_INCONSISTENT = 9, _OTHER_CLASS
    OBJECT_UNAVAILABLE = 11, _NOT_NOW
    TYPE_UNMATCHED = 12, _WRONG_TYPE
    SCOPE_OF_ACCESS_VIOLATED = 13, _OUT_OF_SCOPE
    DATA_BLOCK_UNAVAILABLE = 14, _NO_BLOCK
    LONG_ACTION_ABORTED = 15, _ABORTED
    NO_LONG_ACTION_IN_PROGRESS = 16, _NOT_BEGUN
    OTHER_REASON = 250, _NO_REASON
