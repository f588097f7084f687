"""Fuzz targets of PSEM: packets, services, every table, procedures, and the link with its translator."""

from __future__ import annotations

from functools import cache, lru_cache

from meterkit.codec.crc import is_intact
from meterkit.codec.layout import Context, Layout, plain
from meterkit.link import Broken, Message
from meterkit.psem.identification import parse_identification
from meterkit.psem.link import PsemLink
from meterkit.psem.packet import PsemFrame
from meterkit.psem.packet_reader import Noise, PacketReader
from meterkit.psem.procedures import decode_response
from meterkit.psem.services import ServiceRequest, ServiceResponse, parse_negotiated, parse_table_data
from meterkit.psem.tables import ActLp, GenConfig, LpCtrl, LpStatus, Table, TableRegistry, context_for
from meterkit.psem.tables.load_profile import LoadProfileGeometry
from meterkit.psem.translate import translate
from tests.fuzz import corpus
from tests.fuzz.target import script, scripted, target, tried
from tests.psem.tables.test_c1219_round_trips import meter as american_meter
from tests.psem.tables.test_round_trips import example as osgp_meter

FRAMES = corpus.psem("frame", "frame-negative", "multi-packet", "duplicate")
TABLES = list(TableRegistry())
MOST_TEXT = 400_000  # characters of a repr


@target(also=[scripted(frame) for frame in FRAMES] + [scripted(None, *FRAMES[:4], None)])
def psem_packet_reader(octets: bytes) -> None:
    reader = PacketReader(packet_size=256)
    fed = told = 0
    for piece in script(octets):
        items = reader.silence() if piece is None else reader.feed(piece)
        fed += len(piece or b"")
        for item in items:
            if isinstance(item, bytes):
                assert is_intact(item)
                assert tried(PsemFrame.decode, item) is not None
            told += (
                len(item) if isinstance(item, bytes) else len(item.octets) if isinstance(item, Noise) else 0
            )
        assert told <= fed, "more octets came out than went in"
        assert len(reader._buffer) <= reader.packet_size


@target(also=FRAMES)
def psem_packet(octets: bytes) -> None:
    frame = tried(PsemFrame.decode, octets)
    if frame is not None:
        assert frame.encode() == octets or len(frame.data) > 8184
        repr(frame)


@target(also=corpus.psem("l7-request", "l7-request-negative", "c1222-apdu"))
def psem_services(octets: bytes) -> None:
    request = tried(ServiceRequest.decode, octets)
    if request is not None:
        assert request.encode() == octets
        assert request.name
        repr(request)
        request.table_id  # noqa: B018
    response = tried(ServiceResponse.decode, octets)
    if response is not None:
        assert response.encode() == octets
        repr(response)


@target(bytes.fromhex("0040010a"), bytes.fromhex("000100017e"), bytes.fromhex("0002000001"))
def psem_answers(octets: bytes) -> None:
    tried(lambda: parse_negotiated(octets, packet_size=1024, max_packets=4, baud_rates=(9600, 19200)))
    tried(parse_table_data, octets)
    identification = tried(parse_identification, octets)
    if identification is not None:
        str(identification)
        repr((identification.ticket, identification.device_identity))
    for order in "<>":
        repr(tried(decode_response, octets, order))


@target(also=[scripted(one) for one in corpus.psem()])
def psem_translate(octets: bytes) -> None:
    for pieces in (tuple(piece for piece in script(octets) if piece), (octets,)):
        for node in translate(*pieces):
            for one in node.walk():
                str(one.meaning)


@target(scripted(b"\x06", FRAMES[0]), scripted(b"\x15", None, b"\x06", FRAMES[1], None))
def psem_link(octets: bytes) -> None:
    link = PsemLink()
    link.configure(64, 20)
    events = link.send(b"\x30\x00\x01")
    for piece in script(octets):
        events += link.timed_out() if piece is None else link.receive(piece)
        assert link.timeout > 0
    for _ in range(40):
        if any(isinstance(event, Message | Broken) for event in events):
            break
        events += link.timed_out()
    assert sum(isinstance(event, Message | Broken) for event in events) == 1


# ---------------------------------------------------------------- tables
def _big_endian() -> Context:
    """Return a meter that writes the most significant octet first and times as BCD."""
    known = american_meter()
    config = known.records[GenConfig]
    assert isinstance(config, GenConfig)
    return context_for(
        [*(one for one in known.records.values() if not isinstance(one, GenConfig)), _turned()]
    )


def _turned() -> GenConfig:
    return GenConfig.resolve().decode(bytes([3, 1, 0x88]) + bytes(4) + bytes([2]) + bytes(11))


CONTEXTS: tuple[Context, ...] = (osgp_meter(), american_meter(), _big_endian())


@cache
def _layout(context: int, table: int) -> Layout[Table] | None:
    try:
        return TABLES[table].resolve(CONTEXTS[context])
    except ValueError:  # a table that stands on one that this meter has not told
        return None


def _check(layout: Layout[Table], octets: bytes) -> None:
    record = tried(layout.decode, octets)
    if record is None:
        return
    shown = repr(record)  # of every field
    assert len(shown) < MOST_TEXT
    plain(record)
    written = tried(layout.encode, record, refusal=ValueError)
    assert repr(layout.decode(written)) == shown, "what was read is written as something else"


def _of_every_table(octets: bytes) -> list[bytes]:
    size = max(len(TABLES), 1)
    return [bytes((context, table)) + octets for context in range(len(CONTEXTS)) for table in range(size)]


@target(also=_of_every_table(bytes(range(1, 255)) * 2))
def psem_tables(octets: bytes) -> None:
    if len(octets) < 2:
        return
    layout = _layout(octets[0] % len(CONTEXTS), octets[1] % len(TABLES))
    if layout is not None:
        _check(layout, octets[2:])


HEAD, DIMENSIONS = 19, 31  # octets of ST0 and ST61
SMALL = bytes([2, 2, 0x88]) + bytes(16)  # an ST0


@target(
    *(bytes([what]) + bytes(HEAD + DIMENSIONS + 100) for what in range(5)),
    *(bytes([what]) + SMALL + bytes([1] * 131) for what in range(5)),
)
def psem_dimensions(octets: bytes) -> None:
    """Any ST0 and any ST61, and by the first octet ST63, or the rows of one data set by ST62."""
    what, known, octets = octets[:1], octets[1 : 1 + HEAD + DIMENSIONS], octets[1 + HEAD + DIMENSIONS :]
    table = LpCtrl if what < b"\4" else LpStatus
    stand = tried(_standing_on, known, table)
    if stand is None:
        return
    context, layout = stand
    record = tried(layout.decode, octets)
    if isinstance(record, LpCtrl):
        tried(_rows, context.with_(record), int.from_bytes(what, "big") + 1, octets)


#: Most that is changed from one try to the next stands behind these two tables.
@lru_cache(maxsize=256)
def _standing_on(known: bytes, table: type[Table]) -> tuple[Context, Layout[Table]]:
    """Return what ST0 and ST61 say, and the layout of a table that stands on it."""
    config, layout = _begun(known[:HEAD])
    context = context_for([config, layout.decode(known[HEAD:])])
    return context, table.resolve(context)


@lru_cache(maxsize=256)
def _begun(octets: bytes) -> tuple[GenConfig, Layout[ActLp]]:
    """Return an ST0, and the layout of ST61 that it makes."""
    config = _config_layout().decode(octets)
    return config, ActLp.resolve(context_for([config]))


@cache
def _config_layout() -> Layout[GenConfig]:
    return GenConfig.resolve()


def _rows(context: Context, number: int, octets: bytes) -> object:
    geometry = LoadProfileGeometry.build(context, number)
    return geometry.decode_rows(octets, block=0, sequence=0)
