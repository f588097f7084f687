"""A fleet in OpenTelemetry: a span a session, a span an exchange in it, retries as events, and metrics.

    meterkit.session  psem-00001  attempt 1           |-----------------------|  ok, or the error
      meterkit.exchange  27 octets out, 64 in           |--|  |----|  |-|

Extra: `pip install 'meterkit[otel]'`.  Meters are named in spans alone: a metric with a series for each meter
is more than backends bear.  Of octets there are numbers and no contents, of errors what `MeterError` says:
there is no secret in either.
"""

from __future__ import annotations

from time import time_ns
from typing import Final

from opentelemetry import metrics, trace
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider

from meterkit.errors import MeterError
from meterkit.fleet.observer import MeterState, Observer
from meterkit.fleet.report import MeterReport, Outcome

__all__ = ["OpenTelemetryObserver"]

_SCOPE: Final = "meterkit.fleet"
_METER: Final = "meterkit.meter"
_KIND: Final = "meterkit.error.kind"
_OUTCOME: Final = "meterkit.outcome"
_NS: Final = 1_000_000_000
_OVER: Final = frozenset({MeterState.WAITING, MeterState.IDLE, MeterState.DONE})


class OpenTelemetryObserver(Observer):
    """Tells OpenTelemetry what a fleet does: `Fleet(observer=OpenTelemetryObserver())`.

    Without providers those of the process are used, as OTEL_* variables and the SDK set them up.
    """

    def __init__(self, tracers: TracerProvider | None = None, meters: MeterProvider | None = None) -> None:
        self._tracer = trace.get_tracer(_SCOPE, tracer_provider=tracers)
        self._sessions: dict[str, Span] = {}  # of meters whose session is open
        self._attempts: dict[str, int] = {}  # of meters that are not done yet
        meter = metrics.get_meter(_SCOPE, meter_provider=meters)
        self._open = meter.create_up_down_counter(
            "meterkit.sessions.open", "{session}", "Sessions that are being opened, read or closed"
        )
        self._outcomes = meter.create_counter(
            "meterkit.meters", "{meter}", "Meters that are done, by outcome"
        )
        self._retries = meter.create_counter(
            "meterkit.retries", "{attempt}", "Attempts that follow a failure"
        )
        self._readings = meter.create_counter("meterkit.readings", "{reading}", "Readings handed to the sink")
        self._octets = meter.create_counter("meterkit.octets", "By", "Octets on the lines, by direction")
        self._exchanges = meter.create_histogram(
            "meterkit.exchange.duration", "s", "From the request's first octet to the answer's last"
        )
        self._durations = meter.create_histogram(
            "meterkit.meter.duration", "s", "A meter's turn, with the waiting between attempts"
        )

    def state(self, meter: str, state: MeterState) -> None:
        """Begin or end the span of a session."""
        if state in _OVER:
            self._end(meter)
            if state is not MeterState.WAITING:
                self._attempts.pop(meter, None)
        elif state is not MeterState.QUEUED and meter not in self._sessions:
            number = self._attempts[meter] = self._attempts.get(meter, 0) + 1
            told: dict[str, str | int] = {_METER: meter, "meterkit.attempt": number}
            if state is MeterState.READING:  # its session is open since the last poll
                told["meterkit.session.reused"] = True
            span = self._tracer.start_span("meterkit.session", kind=SpanKind.CLIENT, attributes=told)
            self._sessions[meter] = span
            self._open.add(1)
        elif state is MeterState.READING:
            self._sessions[meter].add_event("connected")

    def retry(self, meter: str, attempt: int, delay: float, error: MeterError) -> None:
        """Write down on a session that it failed, and when the next one begins."""
        self._retries.add(1, {_KIND: error.kind.value})
        span = self._sessions.get(meter)
        if span is not None:
            span.add_event("retry", {"meterkit.attempt": attempt, "meterkit.delay": delay})
            _fail(span, error)

    def exchange(self, meter: str, sent: int, received: int, seconds: float) -> None:
        """Write down a turn on the line."""
        self._exchanges.record(seconds)
        self._octets.add(sent, {"network.io.direction": "transmit"})
        self._octets.add(received, {"network.io.direction": "receive"})
        session = self._sessions.get(meter)
        context = None if session is None else trace.set_span_in_context(session)
        end = time_ns()
        span = self._tracer.start_span(
            "meterkit.exchange",
            context,
            SpanKind.CLIENT,
            {_METER: meter, "meterkit.octets.sent": sent, "meterkit.octets.received": received},
            start_time=end - int(seconds * _NS),
        )
        span.end(end)

    def report(self, report: MeterReport) -> None:
        """Count a meter that is done, and say on its session what came of it."""
        told = {_OUTCOME: report.outcome.value}
        if report.error is not None:
            told[_KIND] = report.error.kind.value
        self._outcomes.add(1, told)
        self._readings.add(report.readings)
        if report.attempts:
            self._durations.record(report.duration, {_OUTCOME: report.outcome.value})
        span = self._sessions.get(report.meter)
        if span is None or report.outcome is Outcome.REFUSED:  # refused: another poll of it goes on
            return
        span.set_attributes({_OUTCOME: report.outcome.value, "meterkit.readings": report.readings})
        if report.error is not None and report.outcome is not Outcome.READ:
            _fail(span, report.error)
        else:
            span.set_status(Status(StatusCode.OK))

    def _end(self, meter: str) -> None:
        span = self._sessions.pop(meter, None)
        if span is not None:
            span.end()
            self._open.add(-1)


def _fail(span: Span, error: MeterError) -> None:
    span.set_attributes({_KIND: error.kind.value, "meterkit.error.where": error.where})
    span.set_status(Status(StatusCode.ERROR, str(error)))
