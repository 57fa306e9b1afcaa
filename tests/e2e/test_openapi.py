"""The running hub is as its description says: whatever it is sent, with keys and without, it answers what is declared.

The hub has been walked through once (``local.examples``), so that addresses name things that there are.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from local.environment import Environment
from local.examples.__main__ import FILE
from local.examples.tour import CUSTOMERS, tour
from shared.triggers.http import OPERATIONS
from shared.triggers.http.calls import Operation
from shared.triggers.http.openapi import operation_id
from tests.e2e.driver import QUICK_HOST

pytestmark = pytest.mark.asyncio(loop_scope="module")

_CHECKS = [
    not_a_server_error,  # the first, so that it can be left out
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
_EXAMPLES = 20
_LONGEST_SECONDS = 30.0
_KNOWN: Mapping[str, list[str]] = {
    "template": ["dynamics", "tagrain-nord"],
    "object": ["account", "product", "sales"],
    "noun": ["customers", "items"],
    "list": ["sap.customer_groups"],
    "batch": ["manual", "spring"],
}


@dataclass
class Toured:
    """A hub that was walked through, what it answered, and how it describes itself."""

    environment: Environment
    examples: dict[str, Any]
    document: dict[str, Any]

    @property
    def keys(self) -> dict[str, str]:
        """The headers of somebody who may do everything."""
        told = self.environment.description()["hub"]
        return {"x-functions-key": told["functionKey"], "X-Hub-Admin-Key": told["adminKey"]}

    def defects(self) -> str:
        """What the host's log says of errors that nobody expected."""
        lines = (self.environment.directory / "host-0.log").read_text(errors="replace").splitlines()
        return "\n".join(line for line in lines if "defect" in line)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub() -> AsyncIterator[Toured]:
    async with Environment(customers=CUSTOMERS, settings=QUICK_HOST) as environment:
        examples = await tour(environment)
        yield Toured(environment, examples, await environment.api("GET", "/openapi.json"))


def _alike(one: Any, other: Any) -> bool:
    """Whether both are made of the same names and kinds of values; null, {} and [] are like anything of their place."""
    if one is None or other is None:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return not one or not other or (set(one) == set(other) and all(_alike(one[name], other[name]) for name in one))
    if isinstance(one, list) and isinstance(other, list):
        return all(_alike(*pair) for pair in zip(one, other, strict=False))
    return type(one) is type(other)


async def test_the_examples_are_what_the_hub_answers_now(hub: Toured) -> None:
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    differing = [name for name in {*kept, *hub.examples} if not _alike(kept.get(name, 0), hub.examples.get(name, 0))]
    assert differing == [], "record the examples anew: python -m local.examples"


async def test_the_document_names_the_running_hub_as_its_server(hub: Toured) -> None:
    assert [server["url"] for server in hub.document["servers"]] == [hub.environment.description()["hub"]["url"]]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
async def test_whatever_it_is_sent_it_answers_what_is_declared(hub: Toured, operation: Operation) -> None:
    await asyncio.to_thread(_call_at_random, hub, operation, hub.keys, _EXAMPLES)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
async def test_without_a_key_it_answers_401_whatever_it_is_sent(hub: Toured, operation: Operation) -> None:
    seen = await asyncio.to_thread(_call_at_random, hub, operation, {}, 3)
    by_token = operation.role is None  # the host lets everybody through, so that the query is read
    assert 401 in seen
    assert seen <= ({400, 401} if by_token else {401})


def _call_at_random(hub: Toured, operation: Operation, headers: Mapping[str, str], examples: int) -> set[int]:
    """Call it with what its description allows and with what it does not; the statuses that came back."""
    schema = schemathesis.openapi.from_dict(hub.document)
    schema.config.generation.update(with_security_parameters=False)  # the keys are ours to send or not
    found = schema.find_operation_by_id(operation_id(operation))
    base_url = hub.document["servers"][0]["url"]
    names = re.findall(r"\{(\w+)\}", operation.route)
    known = st.fixed_dictionaries({name: st.sampled_from(_KNOWN[name]) for name in names if name in _KNOWN})
    cases = st.one_of(
        known.flatmap(lambda path: found.as_strategy(path_parameters=path)),
        known.flatmap(lambda path: found.as_strategy(schemathesis.GenerationMode.NEGATIVE, path_parameters=path)),
        found.as_strategy(),
    )
    seen: set[int] = set()

    @given(case=cases)
    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def call(case: schemathesis.Case) -> None:
        response = case.call(base_url=base_url, headers=dict(headers), timeout=_LONGEST_SECONDS)
        seen.add(response.status_code)
        case.validate_response(response, checks=_checks(operation, response))

    try:
        call()
    except Exception as failed:
        failed.add_note(hub.defects())
        raise
    return seen


def _checks(operation: Operation, response: Response) -> list[Any]:
    """All, with two exceptions: a hub that is not well says so by 503, and the functions host's own 401 has no body."""
    if response.status_code in operation.answers:
        return _CHECKS[1:]
    hosts_own = response.status_code == 401 and not response.content
    return _CHECKS[:2] if hosts_own else _CHECKS
