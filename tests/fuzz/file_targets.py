"""Fuzz targets of documents: the translator's JSON and XML, definitions, fleets, sinks' lines, meters."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

from meterkit.codec.axdr_json import from_json as value_from_json
from meterkit.codec.layout import Context
from meterkit.dlms.translate import documents, translate
from meterkit.emulator.dlms.cloned.meter_file import parse_meter_file
from meterkit.errors import ProtocolFault
from meterkit.fleet import FleetFile
from meterkit.fleet.readings import Reading
from meterkit.fleet.sinks.csv import CsvLines
from meterkit.fleet.sinks.jsonl import JsonLines
from meterkit.psem.tables import TableRegistry, load_definition
from meterkit.psem.tables.fixed_definitions import TableDefinition
from tests.fuzz import corpus
from tests.fuzz.target import script, scripted, target, text_of, tried

APDUS = corpus.apdus()
REGISTRY = TableRegistry()


# ---------------------------------------------------------------- the translator
@target(also=[scripted(one) for one in corpus.dlms()])
def dlms_translate(octets: bytes) -> None:
    for node in translate(*(piece for piece in script(octets) if piece)):
        for one in node.walk():
            str(one.meaning)


@target(also=corpus.dlms())
def documents_there_and_back(octets: bytes) -> None:
    written = json.dumps(documents.to_json(octets), allow_nan=False)
    assert b"".join(documents.from_json(json.loads(written))) == octets
    assert b"".join(documents.from_xml(documents.to_xml(octets))) == octets


@target(also=[json.dumps(documents.to_json(one)).encode() for one in APDUS[::3]], is_text=True)
def documents_from_json(octets: bytes) -> None:
    try:
        document = json.loads(octets)
    except (ValueError, RecursionError):
        return
    tried(documents.from_json, document, refusal=ValueError)
    tried(value_from_json, document, refusal=ValueError)


@target(also=[documents.to_xml(one).encode() for one in APDUS[::3]], is_text=True)
def documents_from_xml(octets: bytes) -> None:
    tried(documents.from_xml, text_of(octets), refusal=ValueError)


# ---------------------------------------------------------------- table definitions
DEFINITION = json.dumps(
    {
        "name": "Mine",
        "number": 2148,
        "records": {"Phase": [{"name": "voltage", "type": "UINT16"}]},
        "fields": [
            {"name": "flags", "type": "UINT8", "bits": {"has_time": 0, "mode": [1, 3]}},
            {"name": "count", "type": "UINT8"},
            {"name": "end", "type": "STIME_DATE", "condition": "has_time and count > 0"},
            {"name": "phases", "type": "Phase", "count": "count & 3"},
            {"name": "label", "type": "CHAR", "size": 10, "since": [3, 10]},
        ],
    }
)


@target(DEFINITION, is_text=True)
def table_definitions(octets: bytes) -> None:
    table = tried(load_definition, octets, REGISTRY, refusal=ValueError)
    if table is not None:
        tried(_decode, table, refusal=(ValueError, ProtocolFault))  # type: ignore[arg-type]


def _decode(table: type) -> object:
    return table.resolve(Context()).decode(bytes(range(64)))  # type: ignore[attr-defined]


@target(
    json.dumps({"name": "T", "id": 3, "fields": [{"name": "a", "type": "UINT8", "offset": 0, "size": 1}]}),
    is_text=True,
)
def fixed_table_definitions(octets: bytes) -> None:
    definition = tried(TableDefinition.from_json, octets, refusal=ValueError)
    if definition is not None:
        assert TableDefinition.from_json(definition.to_json()) == definition
        tried(definition.to_table, refusal=ValueError)


# ---------------------------------------------------------------- fleets and what they leave
FLEET = """{"plan": {"psem": {"registers": true}}, "meters": [
 {"id": "m1", "url": "psem+tcp://10.0.0.7:1153", "password": "env:METERKIT_PASSWORD"}]}"""
FLEET_TOML = '[plan.psem]\nregisters = true\n[[meters]]\nid = "m1"\nurl = "psem+tcp://10.0.0.7:1153"\n'


@target(FLEET, is_text=True)
def fleet_json(octets: bytes) -> None:
    tried(FleetFile.parse, text_of(octets), refusal=ValueError)


@target(FLEET_TOML, is_text=True)
def fleet_toml(octets: bytes) -> None:
    tried(lambda: FleetFile.parse(text_of(octets), is_toml=True), refusal=ValueError)


METER = json.dumps(
    {
        "schema": "meterkit.meter/1",
        "objects": [
            {
                "class_id": 1,
                "version": 0,
                "obis": "0-0:96.1.0",
                "attributes": {"2": {"value": {"type": "octet-string", "value": "3132"}}},
            }
        ],
    }
)


@target(METER, is_text=True)
def meter_files(octets: bytes) -> None:
    try:
        document = json.loads(octets)
    except (ValueError, RecursionError):
        return
    tried(parse_meter_file, document, refusal=ValueError)


LINES = tuple(
    form.encode(Reading("m1", "1-0:1.8.0", datetime(2026, 3, 1, tzinfo=UTC), value, "Wh", ("late",)))
    for form in (CsvLines(), JsonLines())
    for value in (Decimal("1.50"), 7, 0.5, "=text, so", True, None)
)


@target(*LINES, is_text=True)
def sink_lines(octets: bytes) -> None:
    for form in (CsvLines(), JsonLines()):
        reading = tried(form.decode, octets, refusal=ValueError)
        if reading is not None:
            assert repr(form.decode(form.encode(reading))) == repr(reading)
