"""Alerts and workbook ask for what the hub sends, by the names that it sends it under."""

from __future__ import annotations

import json
import re

import pytest
from opentelemetry.metrics import NoOpMeter

from local.infra import expected
from shared.sync.outcomes import Outcome
from shared.telemetry.state import Measure

RULES = {
    path.removesuffix(".query").strip("[]"): query
    for path, query in expected.files()["modules/alerts.bicep"].facts["var rules"].items()
    if path.endswith(".query")
}
WORKBOOK = json.loads((expected.INFRA / "workbook.json").read_text())
PARTS = {one["name"]: one["content"]["query"] for one in WORKBOOK["items"] if one["type"] == 3}

#: By metric, as shared/telemetry/state.py describes them.
DIMENSIONS = {
    "hub.records": {"template", "object", "outcome"},
    "hub.requests": {"system", "status_class"},
    "hub.throttles": {"system"},
    "hub.queue.age": {"queue"},
    "hub.poison.messages": {"queue"},
    "hub.last_good_run.age": {"template", "object"},
    "hub.overdue": {"template", "object"},
    "hub.healthy": set(),
}


class Names(NoOpMeter):
    """A meter that remembers what was asked for."""

    def __init__(self) -> None:
        super().__init__("names")
        self.found: set[str] = set()

    def create_counter(self, name, *more, **named):
        self.found.add(name)
        return super().create_counter(name, *more, **named)

    def create_gauge(self, name, *more, **named):
        self.found.add(name)
        return super().create_gauge(name, *more, **named)


def metrics(query: str) -> set[str]:
    return (
        set(re.findall(r'"(hub\.[a-z_.]+)"', query))
        if query.strip().startswith(("customMetrics", "''' customM"))
        else set()
    )


def test_the_hub_sends_these_metrics() -> None:
    meter = Names()
    Measure(meter)
    assert meter.found == set(DIMENSIONS)


def test_there_is_a_rule_for_each_thing_that_must_not_go_unseen() -> None:
    assert {name: metrics(query) for name, query in RULES.items()} == {
        "hub-silent": {"hub.healthy"},
        "hub-unhealthy": {"hub.healthy"},
        "hub-overdue": {"hub.overdue"},
        "hub-failures": {"hub.records"},
        "hub-poison": {"hub.poison.messages"},
        "hub-server-errors": set(),
    }


def test_the_workbook_shows_every_metric() -> None:
    assert set().union(*map(metrics, PARTS.values())) == set(DIMENSIONS)
    assert WORKBOOK["fallbackResourceIds"] == ["__INSIGHTS__"]


@pytest.mark.parametrize("query", [*RULES.values(), *PARTS.values()])
def test_a_query_uses_only_dimensions_that_its_metric_has(query: str) -> None:
    known = metrics(query)
    asked = set(re.findall(r'customDimensions\["(\w+)"\]', query))
    assert asked <= set().union(*(DIMENSIONS[one] for one in known))


@pytest.mark.parametrize("query", [*RULES.values(), *PARTS.values()])
def test_a_query_compares_with_outcomes_that_there_are(query: str) -> None:
    compared = re.findall(r'customDimensions\["outcome"\]\) == "([^"]*)"', query)
    assert set(compared) <= {str(one) for one in Outcome}


def test_each_rule_compares_a_column_of_its_query() -> None:
    facts = expected.files()["modules/alerts.bicep"].facts["var rules"]
    for name, query in RULES.items():
        for column in [facts[f"[{name}].measure"], *re.findall(r"'\w+'", facts[f"[{name}].dimensions"])]:
            assert re.search(rf"\b{column.strip(chr(39))}\b", query)
