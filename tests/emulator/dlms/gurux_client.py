"""A run of gurux-dlms' client, an independent implementation, against the emulated DLMS meter.

usage: gurux_client.py JSON      prints one JSON object as its last line; the library prints lines of its own

JSON: port, interface ("wrapper", "hdlc"), client, password, jobs, logical_names, and for HDLC address_size,
window, info; for high level security mechanism (2 to 6) and challenge (octets); for both it and ciphering
title, encryption_key, authentication_key (hex), counter; for ciphering security (security control),
dedicated_key (hex), is_general.
"""

import json
import socket
import sys

from gurux_dlms import ConnectionState, GXByteBuffer, GXDateTime, GXDLMSClient, GXReplyData, GXUInt32
from gurux_dlms.enums import Authentication, Conformance, DataType, InterfaceType, Security
from gurux_dlms.objects import (
    GXDLMSActivityCalendar,
    GXDLMSClock,
    GXDLMSData,
    GXDLMSDisconnectControl,
    GXDLMSImageTransfer,
    GXDLMSLimiter,
    GXDLMSProfileGeneric,
    GXDLMSRegister,
    GXDLMSSpecialDaysTable,
)
from gurux_dlms.secure import GXDLMSSecureClient

NOTE = "0.0.96.13.0.255"


class Reader:
    def __init__(self, settings):
        is_secure = "title" in settings
        low_or_none = Authentication.LOW if settings.get("password") else Authentication.NONE
        mechanism = settings.get("mechanism")
        self.client = (GXDLMSSecureClient if is_secure else GXDLMSClient)(
            settings.get("logical_names", True),
            settings["client"],
            settings.get("server", 1),
            low_or_none if mechanism is None else Authentication(mechanism),
            settings.get("password"),
            InterfaceType.WRAPPER if settings["interface"] == "wrapper" else InterfaceType.HDLC,
        )
        if is_secure:
            self.secure(settings)
        self.client.setServerAddressSize(settings.get("address_size", 0))
        hdlc = self.client.hdlcSettings
        if "window" in settings:
            hdlc.windowSizeTX = hdlc.windowSizeRX = settings["window"]
        if "info" in settings:
            hdlc.maxInfoTX = hdlc.maxInfoRX = settings["info"]
        self.socket = socket.create_connection(("127.0.0.1", settings["port"]), timeout=20)
        self.received = GXByteBuffer()  # frames of one window arrive together
        self.frames = 0

    def secure(self, settings):
        ciphering = self.client.ciphering
        ciphering.systemTitle = bytes.fromhex(settings["title"])
        ciphering.blockCipherKey = bytes.fromhex(settings["encryption_key"])
        ciphering.authenticationKey = bytes.fromhex(settings["authentication_key"])
        ciphering.invocationCounter = settings.get("counter", 1)
        if "dedicated_key" in settings:
            ciphering.dedicatedKey = bytes.fromhex(settings["dedicated_key"])
        if settings.get("is_general", False):
            self.client.proposedConformance |= Conformance.GENERAL_PROTECTION
        else:
            self.client.proposedConformance &= ~Conformance.GENERAL_PROTECTION
        ciphering.security = Security(settings.get("security", 0))
        self.client.useProtectedRelease = ciphering.security != Security.NONE

    def exchange(self, frame, reply):
        """Send one frame and take octets until the library has a whole answer."""
        notify = GXReplyData()
        if frame is not None:
            self.socket.sendall(bytes(frame))
            self.frames += 1
        while not self.received.size or not self.client.getData(self.received, reply, notify):
            octets = self.socket.recv(65536)
            if not octets:
                raise ConnectionError("the meter hung up")
            self.received.set(octets)
        left = bytes(self.received.subArray(self.received.position, self.received.available()))
        self.received = GXByteBuffer(left) if left else GXByteBuffer()
        if reply.error:
            raise ValueError(f"refused {int(reply.error)}")

    def ask(self, frames):
        """Send one request with all of its frames; return the whole answer."""
        reply = GXReplyData()
        for frame in frames if isinstance(frames, list) else [frames]:
            reply.clear()
            self.exchange(frame, reply)
            while reply.isMoreData():
                self.exchange(None if reply.isStreaming() else self.client.receiverReady(reply), reply)
        return reply

    def connect(self):
        frame = self.client.snrmRequest()
        if frame:
            self.client.parseUAResponse(self.ask(frame).data)
        self.client.parseAareResponse(self.ask(self.client.aarqRequest()).data)
        if self.client.authentication > Authentication.LOW:
            proof = self.ask(self.client.getApplicationAssociationRequest())
            if self.client.useLogicalNameReferencing:
                self.client.parseApplicationAssociationResponse(proof.data)
            else:  # it writes its proof, and nothing comes back of a Write
                self.client.settings.connected |= ConnectionState.DLMS

    def disconnect(self):
        release = self.client.releaseRequest()
        if release:
            self.ask(release)
        frame = self.client.disconnectRequest()
        if frame:
            self.ask(frame)
        self.socket.close()

    def read(self, thing, attribute):
        reply = self.ask(self.client.read(thing, attribute))
        return self.client.updateValue(thing, attribute, reply.value)


def plain(value):
    """Return something that JSON can write."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, GXDateTime):
        return value.value.isoformat()
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value if isinstance(value, (int, float, str, bool)) or value is None else str(value)


def read_identity(reader, seen):
    seen["clock"] = plain(reader.read(GXDLMSClock(), 2))
    seen["name"] = bytes(reader.read(GXDLMSData("0.0.42.0.0.255"), 2)).decode()


def read_registers(reader, seen):
    energy = GXDLMSRegister("1.0.1.8.0.255")
    seen["scaler_unit"] = plain(reader.read(energy, 3))
    seen["energy"] = reader.read(energy, 2)
    voltage = GXDLMSRegister("1.0.32.7.0.255")
    reader.read(voltage, 3)
    seen["voltage"] = reader.read(voltage, 2)


def read_view(reader, seen):
    reply = reader.ask(reader.client.getObjectsRequest())
    found = reader.client.parseObjects(reply.data, True)
    seen["view"] = [[int(one.objectType), one.logicalName, one.version, one.shortName] for one in found]


def read_view_values(reader, seen):
    """Read by the short names that the association view gave."""
    objects = reader.client.objects
    seen["clock"] = plain(reader.read(objects.findByLN(8, "0.0.1.0.0.255"), 2))
    seen["energy"] = reader.read(objects.findByLN(3, "1.0.1.8.0.255"), 2)
    seen["name"] = plain(reader.read(objects.findByLN(1, "0.0.42.0.0.255"), 2))


def read_profile(reader, seen):
    profile = GXDLMSProfileGeneric("1.0.99.1.0.255")
    reader.read(profile, 3)
    seen["columns"] = [[int(one.objectType), one.logicalName] for one, _ in profile.captureObjects]
    seen["entries_in_use"] = reader.read(profile, 7)
    whole = plain(reader.read(profile, 2))
    seen["rows"] = len(whole)
    seen["first_row"], seen["last_row"] = whole[0], whole[-1]
    begin, end = profile.buffer[2][0], profile.buffer[5][0]
    reply = reader.ask(reader.client.readRowsByRange(profile, begin, end))
    seen["by_range"] = plain(reader.client.updateValue(profile, 2, reply.value))
    reply = reader.ask(reader.client.readRowsByEntry(profile, 3, 2))
    seen["by_entry"] = plain(reader.client.updateValue(profile, 2, reply.value))
    seen["whole_slice"] = whole[2:6]


def read_list(reader, seen):
    things = [(GXDLMSRegister(f"1.0.{c}.8.0.255"), 2) for c in (1, 2, 3)]
    seen["list"] = []
    for frames in reader.client.readList(things):
        seen["list"] += plain(reader.ask(frames).value)


def write(reader, seen):
    note = GXDLMSData(NOTE)
    note.value = bytearray(b"written by gurux")
    note.setDataType(2, DataType.OCTET_STRING)
    reader.ask(reader.client.write(note, 2))
    note.value = None
    seen["written"] = plain(reader.read(note, 2))
    note.value = bytearray(bytes(range(256)) * 8)
    note.setDataType(2, DataType.OCTET_STRING)
    reader.ask(reader.client.write(note, 2))
    seen["written_in_blocks"] = plain(reader.read(note, 2))


def act(reader, seen):
    control = GXDLMSDisconnectControl("0.0.96.3.10.255")
    reader.ask(control.remoteDisconnect(reader.client))
    seen["output_state"] = reader.read(control, 2)
    reader.ask(control.remoteReconnect(reader.client))
    seen["output_state_again"] = reader.read(control, 2)


def be_refused(reader, seen):
    missing = GXDLMSData("0.0.99.99.99.255")
    denied = GXDLMSRegister("1.0.1.8.0.255")
    denied.value = GXUInt32(1)
    denied.setDataType(2, DataType.UINT32)
    for name, frames in (
        ("missing", reader.client.read(missing, 2)),
        ("denied", reader.client.write(denied, 2)),
    ):
        try:
            reader.ask(frames)
            seen[name] = "no refusal"
        except Exception as error:
            seen[name] = str(error)


def transfer_image(reader, seen):
    transfer = GXDLMSImageTransfer("0.0.44.0.0.255")
    image = bytes(range(256)) * 2 + b"the end"
    reader.read(transfer, 2)
    reader.ask(transfer.imageTransferInitiate(reader.client, "GRX-1.0", len(image)))
    for frames in transfer.imageBlockTransfer(reader.client, image, [0]):
        reader.ask(frames)
    seen["blocks"] = str(plain(reader.read(transfer, 3)))
    seen["first_missing"] = reader.read(transfer, 4)
    reader.ask(transfer.imageVerify(reader.client))
    seen["verified"] = int(reader.read(transfer, 6))
    reader.read(transfer, 7)
    seen["images"] = [[one.size, plain(one.identification)] for one in transfer.imageActivateInfo]
    reader.ask(transfer.imageActivate(reader.client))
    seen["activated"] = int(reader.read(transfer, 6))
    seen["firmware"] = plain(reader.read(GXDLMSData("1.0.0.2.0.255"), 2))


def read_calendar(reader, seen):
    calendar = GXDLMSActivityCalendar("0.0.13.0.0.255")
    for index in range(2, 11):
        reader.read(calendar, index)
    seen["calendar"] = calendar.calendarNameActive
    (week,) = calendar.weekProfileTableActive
    seen["week"] = [week.monday, week.saturday, week.sunday]
    seen["days"] = [
        [one.dayId, [each.scriptSelector for each in one.daySchedules]]
        for one in calendar.dayProfileTableActive
    ]
    special = GXDLMSSpecialDaysTable("0.0.11.0.0.255")
    reader.read(special, 2)
    seen["special_days"] = [[one.index, one.dayId] for one in special.entries]
    reader.ask(special.delete(reader.client, special.entries[0]))
    reader.read(special, 2)
    seen["special_days_left"] = [one.index for one in special.entries]


def read_limiter(reader, seen):
    limiter = GXDLMSLimiter("0.0.17.0.0.255")
    for index in range(2, 12):
        reader.read(limiter, index)
    seen["limiter"] = [int(limiter.thresholdActive), int(limiter.minOverThresholdDuration)]


JOBS = {
    "image": transfer_image,
    "calendar": read_calendar,
    "limiter": read_limiter,
    "identity": read_identity,
    "registers": read_registers,
    "view": read_view,
    "view_values": read_view_values,
    "profile": read_profile,
    "list": read_list,
    "write": write,
    "act": act,
    "refusals": be_refused,
}


def main(settings):
    reader = Reader(settings)
    seen = {}
    reader.connect()
    for job in settings["jobs"]:
        JOBS[job](reader, seen)
    reader.disconnect()
    seen["frames"] = reader.frames
    print()
    print(json.dumps(seen))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
