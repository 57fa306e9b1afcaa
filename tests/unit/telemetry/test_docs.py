"""docs/telemetry.md names every metric and every span, and none else."""

from __future__ import annotations

import re
from pathlib import Path

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from shared.stores.queues import QUEUES, poison
from shared.sync import traces
from shared.telemetry import Measure

ROOT = Path(__file__).parents[3]
DOC = (ROOT / "docs" / "telemetry.md").read_text()


def _section(title: str) -> str:
    return DOC.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_every_metric_is_named_and_no_other() -> None:
    reader = InMemoryMetricReader()
    measure = Measure(MeterProvider([reader], shutdown_on_exit=False).get_meter("test"))
    for instrument in vars(measure).values():
        instrument.add(1) if hasattr(instrument, "add") else instrument.set(1)
    data = reader.get_metrics_data()
    assert data is not None
    names = {m.name for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics}
    assert set(re.findall(r"^\| `(hub\.[\w.]+)` \|", _section("Metrics"), re.MULTILINE)) == names


def test_every_span_is_named_and_no_other() -> None:
    columns = re.findall(r"^\| (`[^|]*`) \|", _section("One trace per run"), re.MULTILINE)
    told = {name for column in columns for name in re.findall(r"`(.*?)(?: <object>)?`", column)}
    steps = set(re.findall(r'step\(run(?:\.id)?, "([a-z ]+)"', Path(traces.__file__).read_text()))
    of_messages = {traces._WORK[queue] for queue in (*QUEUES, *map(poison, QUEUES))} | {"finish"}
    assert told == steps | of_messages | {"run", "<method> <system> <entity set>"}
