"""What another library's objects write of themselves comes typed: gurux-dlms, in a process of its own."""

import json
import subprocess
import sys

import pytest

from meterkit.dlms.cosem.classes import CLASSES
from meterkit.errors import ProtocolFault

#: Prints [class_id, version, index, octets] of every attribute that the library's new objects can write.
PROGRAM = """
import contextlib, inspect, io, json
import gurux_dlms.objects as library
from gurux_dlms.GXByteBuffer import GXByteBuffer
from gurux_dlms.GXDLMSSettings import GXDLMSSettings
from gurux_dlms.internal._GXCommon import _GXCommon
from gurux_dlms.ValueEventArgs import ValueEventArgs

settings, found = GXDLMSSettings(True, None), []
for kind in vars(library).values():
    with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
        one = kind()
        for index in range(2, one.getAttributeCount() + 1):
            with contextlib.suppress(Exception):
                value = one.getValue(settings, ValueEventArgs(settings, one, index, 0, None))
                written = GXByteBuffer()
                if isinstance(value, GXByteBuffer):
                    written.set(value.array())
                elif isinstance(value, (bytes, bytearray)) and value[:1] in (b"\\x01", b"\\x02"):
                    written.set(value)
                elif value is not None:
                    _GXCommon.setData(settings, written, one.getDataType(index), value)
                if written.size:
                    found.append([int(one.objectType), one.version, index, bytes(written.array()).hex()])
print(json.dumps(found))
"""
#: What its objects write as long as nobody has filled them in, and no meter could mean.
EMPTY = {
    ("RegisterMonitor", 2): "null-data for no thresholds",
    ("RegisterMonitor", 4): "a structure for an empty array",
    ("Limiter", 8): "an activation time of no octets",
    ("LteMonitoring", 2): "version 1's structure in version 0",
}


@pytest.fixture(scope="module")
def written():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=120
    )
    return [(*key, bytes.fromhex(octets)) for *key, octets in json.loads(done.stdout.splitlines()[-1])]


def test_what_gurux_objects_write_comes_typed(written):
    odd, seen = {}, set()
    for class_id, version, index, octets in written:
        cls = CLASSES[class_id, version]
        seen.add(cls)
        try:
            cls("0-0:1.0.0").attribute_ref(index).decode(octets)
        except ProtocolFault as fault:
            odd[cls.__name__, index] = str(fault)

    assert len(written) > 250
    assert len(seen) > 45
    assert {place: message for place, message in odd.items() if place not in EMPTY} == {}
