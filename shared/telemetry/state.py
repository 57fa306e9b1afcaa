"""What is measured and where it goes in this process: nothing and nowhere until told otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from opentelemetry.metrics import Meter, NoOpMeter
from opentelemetry.trace import NoOpTracer, Tracer

SCOPE = "integration-hub"


class Measure:
    """The hub's metrics, by their fixed names: alerts and the workbook are made of them.

    Counters: ``hub.records`` (template, object, outcome), ``hub.requests`` (system, status_class) and ``hub.throttles``
    (system). Gauges, set by the sweeper: ``hub.queue.age`` in seconds and ``hub.poison.messages`` (queue),
    ``hub.last_good_run.age`` in seconds and ``hub.overdue`` 0 or 1 (template, object), ``hub.healthy`` 0 or 1.
    """

    def __init__(self, meter: Meter) -> None:
        self.records = meter.create_counter("hub.records", description="records by what became of them")
        self.requests = meter.create_counter("hub.requests", description="HTTP requests to a system")
        self.throttles = meter.create_counter("hub.throttles", description="answers that ask to slow down")
        self.queue_age = meter.create_gauge("hub.queue.age", "s", "age of the first message that waits")
        self.poison_messages = meter.create_gauge("hub.poison.messages", description="messages in a poison queue")
        self.last_good_run_age = meter.create_gauge("hub.last_good_run.age", "s", "time since a run ended well")
        self.overdue = meter.create_gauge("hub.overdue", description="1 where runs fail their schedule")
        self.healthy = meter.create_gauge("hub.healthy", description="0 where the sweeper found something wrong")


@dataclass(frozen=True)
class Telemetry:
    """A tracer and the metrics. ``active`` says whether anything comes of them; ``flush`` sends what waits, some seconds
    long at most, ``close`` also ends the threads that send."""

    tracer: Tracer = field(default_factory=NoOpTracer)
    measure: Measure = field(default_factory=lambda: Measure(NoOpMeter(SCOPE)))
    active: bool = False
    flush: Callable[[], None] = lambda: None
    close: Callable[[], None] = lambda: None


class _Process:
    telemetry = Telemetry()


def current() -> Telemetry:
    """This process's telemetry."""
    return _Process.telemetry


def become(telemetry: Telemetry) -> None:
    """From now on this is the process's telemetry."""
    _Process.telemetry = telemetry


@contextmanager
def using(telemetry: Telemetry) -> Iterator[Telemetry]:
    """Inside, that is the process's telemetry (for tests)."""
    before = current()
    become(telemetry)
    try:
        yield telemetry
    finally:
        become(before)
