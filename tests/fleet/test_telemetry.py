"""A fleet in OpenTelemetry, with the SDK's exporters in memory: spans, metrics, and no secret in either."""

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from meterkit.emulator import DEMO_READ_KEY
from meterkit.fleet import RetryPolicy
from meterkit.fleet.telemetry import OpenTelemetryObserver
from tests.fleet.fleet_rig import ONE_TABLE, Site, dlms, psem
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


@pytest.fixture
def site():
    return Site()


class Collected:
    """An observer and what it has told."""

    def __init__(self):
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        tracers = TracerProvider()
        tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.observer = OpenTelemetryObserver(tracers, MeterProvider([self.reader]))

    def spans(self, name):
        return [span for span in self.exporter.get_finished_spans() if span.name == name]

    def metrics(self):
        """Metrics by name: a list of (attributes, value), of histograms their counts."""
        scopes = self.reader.get_metrics_data().resource_metrics[0].scope_metrics
        return {
            metric.name: [
                (dict(point.attributes), getattr(point, "count", None) or point.value)
                for point in metric.data.data_points
            ]
            for scope in scopes
            for metric in scope.metrics
        }


@pytest.fixture
def collected():
    return Collected()


async def test_a_session_is_a_span_with_its_exchanges_below_it(site, collected):
    site.add_psem("p")
    site.add_dlms("d")
    async with site.fleet(observer=collected.observer) as fleet:
        await fleet.run(ONE_TABLE, [psem("p"), dlms("d")]).collect()
    sessions = {span.attributes["meterkit.meter"]: span for span in collected.spans("meterkit.session")}
    assert set(sessions) == {"p", "d"}
    for name, span in sessions.items():
        assert span.status.status_code is StatusCode.OK
        assert span.attributes["meterkit.outcome"] == "read"
        below = [
            one
            for one in collected.spans("meterkit.exchange")
            if one.parent is not None and one.parent.span_id == span.context.span_id
        ]
        assert len(below) >= 3
        assert {one.attributes["meterkit.meter"] for one in below} == {name}
        assert all(one.attributes["meterkit.octets.sent"] > 0 for one in below)
        assert all(one.start_time <= one.end_time for one in below)
    told = collected.metrics()
    assert told["meterkit.meters"] == [({"meterkit.outcome": "read"}, 2)]
    assert told["meterkit.sessions.open"] == [({}, 0)]
    assert told["meterkit.readings"][0][1] == 2
    exchanges = len(collected.spans("meterkit.exchange"))
    assert told["meterkit.exchange.duration"] == [({}, exchanges)]
    assert {attributes["network.io.direction"] for attributes, _ in told["meterkit.octets"]} == {
        "transmit",
        "receive",
    }


async def test_each_attempt_is_a_session_and_a_retry_is_told(site, collected):
    site.add_psem("p", faults={"silent": True})
    retries = RetryPolicy(attempts=2, backoff=5.0, jitter=0.0)
    async with site.fleet(observer=collected.observer, retries=retries) as fleet:
        await fleet.run(ONE_TABLE, [psem("p")]).collect()
    first, second = collected.spans("meterkit.session")
    assert [span.attributes["meterkit.attempt"] for span in (first, second)] == [1, 2]
    assert [span.status.status_code for span in (first, second)] == [StatusCode.ERROR] * 2
    retry = next(event for event in first.events if event.name == "retry")
    assert retry.attributes["meterkit.delay"] == 5.0
    assert second.attributes["meterkit.outcome"] == "failed"
    told = collected.metrics()
    assert told["meterkit.retries"] == [({"meterkit.error.kind": "timeout"}, 1)]
    assert told["meterkit.meters"] == [({"meterkit.outcome": "failed", "meterkit.error.kind": "timeout"}, 1)]


async def test_a_session_that_stays_open_has_a_span_for_each_poll(site, collected):
    site.add_dlms("d")
    async with site.fleet(observer=collected.observer) as fleet:
        await fleet.poll(ONE_TABLE, [dlms("d")], every=60, rounds=3, keep_open=True).collect()
    sessions = collected.spans("meterkit.session")
    assert [span.attributes.get("meterkit.session.reused", False) for span in sessions] == [False, True, True]
    assert collected.metrics()["meterkit.sessions.open"] == [({}, 0)]


@pytest.mark.parametrize("password", [DEMO_READ_KEY, b"NOT-THE-RIGHT-ONE"])
async def test_no_secret_is_told(site, collected, password, monkeypatch):
    monkeypatch.setenv("ONE", password.decode())
    site.add_psem("p")
    async with site.fleet(observer=collected.observer) as fleet:
        await fleet.run(ONE_TABLE, [psem("p", password="env:ONE")]).collect()
    told = "".join(span.to_json() for span in collected.exporter.get_finished_spans())
    told += collected.reader.get_metrics_data().to_json() + repr(vars(collected.observer))
    for written in (password.decode(), password.hex(), password.hex(" ")):
        assert written not in told
    assert "meterkit.session" in told
