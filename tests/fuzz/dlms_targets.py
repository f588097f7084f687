"""Fuzz targets of DLMS: frames, ACSE, every APDU, A-XDR in all its readers, object lists, profiles, links."""

from __future__ import annotations

from meterkit.codec import axdr, ber
from meterkit.codec.axdr_json import from_json, to_json
from meterkit.codec.axdr_rows import decode_rows
from meterkit.codec.cosem_time import CosemDate, CosemDateTime, CosemTime, moment
from meterkit.dlms.acse.apdus import Aare, Aarq, Rlre, Rlrq
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.association import Association
from meterkit.dlms.hdlc.address import HdlcAddress
from meterkit.dlms.hdlc.frame import HdlcFrame
from meterkit.dlms.hdlc.parameters import HdlcParameters
from meterkit.dlms.hdlc.reader import HdlcReader, Noise
from meterkit.dlms.hdlc_link import HdlcLink
from meterkit.dlms.object_list import parse_object_list, parse_short_name_list
from meterkit.dlms.push.reader import HdlcPushReader, WrapperPushReader
from meterkit.dlms.wrapper import WrapperHeader, WrapperLink, WrapperReader
from meterkit.link import Advanced, Broken, Failed, Message, Notice, Transmit
from tests.dlms.association_rig import EVERYTHING, Lower
from tests.fuzz import corpus
from tests.fuzz.target import script, scripted, target, tried

HDLC, WRAPPED = corpus.dlms("hdlc", "hdlc-push"), corpus.dlms("wrapper")
VALUES = corpus.dlms("axdr-data")
REQUESTS = [
    bytes.fromhex(one)
    for one in (
        "c001c100080000010000ff0200",
        "c003c102000100002a0000ff0200000100002a0000ff0200",
        "c101c1000100002a0000ff0200090a30313233343536373839",
        "c301c1000f0000280000ff0101090a30313233343536373839",
        "050302fa0802fa0802fa0802fa0802fa0802fa08",
        "d94000000100020100080000010000ff020100030101151900ff02020000",
    )
]


# ---------------------------------------------------------------- frames
@target(also=[scripted(frame) for frame in HDLC] + [scripted(HDLC[0][:9], None, *HDLC[1:4])])
def hdlc_reader(octets: bytes) -> None:
    reader = HdlcReader()
    fed = told = 0
    for piece in script(octets):
        items = reader.silence() if piece is None else reader.feed(piece)
        fed += len(piece or b"")
        told += sum(len(item.octets) for item in items if isinstance(item, Noise))
        told += sum(len(item.information) + 7 for item in items if isinstance(item, HdlcFrame))
        assert told <= fed, "more octets came out than went in"
        assert len(reader._held) <= 2 * 2049
    reader.silence()
    assert not reader.is_waiting


@target(also=[*HDLC, *corpus.dlms("fcs")])
def hdlc_frame(octets: bytes) -> None:
    frame = tried(HdlcFrame.decode, octets)
    if frame is not None:
        str(frame)
        written = tried(frame.encode, refusal=ValueError)
        if written is not None:
            assert HdlcFrame.decode(written) == frame


@target(
    bytes.fromhex("818012050180060180070400000001080400000001"),
    bytes.fromhex("81800c05019a06019a070101080101"),
)
def hdlc_parameters(octets: bytes) -> None:
    found = tried(HdlcParameters.decode, octets)
    if found is not None:
        assert HdlcParameters.decode(found.encode()) == found
    for proposal in (None, HdlcParameters(128, 128, 1, 1)):
        tried(HdlcParameters.granted, octets, proposal)


@target(also=[scripted(frame) for frame in WRAPPED])
def wrapper_reader(octets: bytes) -> None:
    reader = WrapperReader(1024)
    for piece in script(octets):
        for message in tried(reader.feed, piece or b"") or ():
            written = message.encode()
            assert WrapperHeader.decode(written[:8]) == message.header
            assert len(message.apdu) <= 1024


@target(also=[scripted(frame) for frame in (*HDLC, *WRAPPED)])
def push_readers(octets: bytes) -> None:
    for reader in (
        HdlcPushReader(limit=4096),
        WrapperPushReader(4096),
        WrapperPushReader(4096, is_datagram=True),
    ):
        for piece in script(octets):
            for item in reader.silence() if piece is None else reader.feed(piece):
                repr(item)


# ---------------------------------------------------------------- APDUs
def _there_and_back(octets: bytes, strict: bool) -> None:
    apdu = tried(lambda: decode_apdu(octets, strict=strict))
    if apdu is not None:
        again = decode_apdu(apdu.encode(), strict=strict)
        assert again == apdu, "what was read is written as something else"  # a repr would hide what is secret


@target(also=corpus.apdus())
def apdu_strict(octets: bytes) -> None:
    _there_and_back(octets, strict=True)


@target(also=corpus.apdus())
def apdu_patient(octets: bytes) -> None:
    _there_and_back(octets, strict=False)


@target(also=corpus.dlms("aarq", "aare", "rlrq"))
def acse(octets: bytes) -> None:
    for kind in (Aarq, Aare, Rlrq, Rlre):
        for strict in (True, False):
            apdu = tried(lambda kind=kind, strict=strict: kind.decode(octets, strict=strict))
            if apdu is not None:
                repr(apdu)
                assert kind.decode(apdu.encode(), strict=True) == apdu, "what was read is written otherwise"


# ---------------------------------------------------------------- A-XDR, BER, times
@target(also=VALUES)
def axdr_values(octets: bytes) -> None:
    data = tried(axdr.parse, octets)
    value = tried(lambda: (axdr.decode(octets),))
    assert (data is None) == (value is None), "one reader takes what the other refuses"
    if data is None:
        return
    assert axdr.measure(octets) == len(octets)
    assert repr(data.plain()) == repr(value[0])
    written = data.encode()
    assert repr(axdr.parse(written)) == repr(data)
    document = to_json(octets)
    assert repr(axdr.parse(from_json(document))) == repr(data)


@target(also=VALUES)
def axdr_rows(octets: bytes) -> None:
    rows = tried(decode_rows, octets)
    whole = tried(lambda: (axdr.decode(octets),))
    if rows is not None and whole is not None:
        assert len(rows) == len(whole[0])
    tried(lambda: decode_rows(octets, (0,), strict=False))


@target(also=corpus.dlms("aarq", "aare", "rlrq"))
def ber_elements(octets: bytes) -> None:
    for strict in (True, False):
        elements = tried(lambda strict=strict: ber.read_elements(octets, strict=strict))
        for element in elements or ():
            element.encode()
            if element.is_constructed:
                tried(lambda element=element, strict=strict: element.elements(strict=strict))
    tried(ber.decode_integer, octets)
    name = tried(ber.decode_object_identifier, octets)
    if name is not None:
        assert ber.decode_object_identifier(ber.encode_object_identifier(name)) == name


@target(also=corpus.dlms("datetime"))
def cosem_times(octets: bytes) -> None:
    for kind in (CosemDateTime, CosemDate, CosemTime):
        value = tried(kind.from_octets, octets)
        if value is not None:
            str(value)
            assert kind.from_octets(value.encode()) == value
    value = tried(CosemDateTime.from_octets, octets)
    if value is not None:
        value.to_datetime()
        tried(moment, octets)


# ---------------------------------------------------------------- what clients read
@target(bytes.fromhex("010102041200081100090600000100 00ff0202 0100 0100".replace(" ", "")), also=VALUES)
def object_lists(octets: bytes) -> None:
    for view in (tried(parse_object_list, octets), tried(parse_short_name_list, octets)):
        for one in view or ():
            repr(one)
            one.is_readable(2)


# ---------------------------------------------------------------- links
@target(scripted(HDLC[0], None), also=[scripted(*HDLC[at : at + 3], None, None) for at in range(len(HDLC))])
def hdlc_link(octets: bytes) -> None:
    link = HdlcLink(HdlcAddress(16), HdlcAddress(1, 17), parameters=HdlcParameters(128, 128, 3, 3))
    _run(link, link.connect(), octets, turns=200)


@target(also=[scripted(frame, None) for frame in WRAPPED])
def wrapper_link(octets: bytes) -> None:
    for is_datagram in (False, True):
        link = WrapperLink(16, 1, is_datagram=is_datagram)
        _run(link, link.send(REQUESTS[0]), octets, turns=200)


def _run(link: HdlcLink | WrapperLink, events: list[object], octets: bytes, turns: int) -> None:
    """Play a script to a link; then silence ends whatever it waits for."""
    for piece in script(octets):
        if any(isinstance(event, Broken) for event in events):
            return
        events = link.timed_out() if piece is None else link.receive(piece)
        assert link.timeout > 0
        assert {type(event) for event in events} <= {Transmit, Message, Notice, Advanced, Failed, Broken}
    for _ in range(turns):
        if any(isinstance(event, Broken | Message) for event in events):
            return
        events = link.timed_out()
    raise AssertionError("a link that waits for ever")


@target(also=[bytes((at,)) + scripted(apdu, None) for at in range(6) for apdu in corpus.apdus()[::5]])
def association(octets: bytes) -> None:
    """One request; each piece is one message from below; `is_pending` ends in bounded steps."""
    if not octets:
        return
    lower = Lower()
    machine = Association(lower, window=3, send_window=3, max_response_size=256)
    machine.configure(EVERYTHING, (0, 24, 40)[octets[0] // 8 % 3], 0, octets[0] >= 128)
    request = REQUESTS[octets[0] % len(REQUESTS)]
    machine.send(request)
    for piece in script(octets[1:]):
        lower.incoming = [] if piece is None else [Message(piece)]
        events = machine.timed_out() if piece is None else machine.receive(b"?")
        assert {type(event) for event in events} <= {Transmit, Message, Notice, Advanced, Failed, Broken}
        if not machine.is_pending:
            machine.send(request)
    if machine.is_pending:
        machine.timed_out()
