"""Spans of requests: of an address nothing but what names no record."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import SpanKind, StatusCode

from shared.clients.answers import Effect, class_by_status
from shared.clients.connections import new_http_client
from shared.clients.http import Call, Dialect, Sender
from shared.errors import HubError
from shared.telemetry.requests import route_of
from tests.unit.clients.fakes import FakeTime, RecordingGate, Script
from tests.unit.telemetry.recorder import Recorder, recording, told

ROOT = "https://system.example/b1s/v2"
DIALECT = Dialect(
    "toy", lambda response: ("", response.text), lambda status, _code, effect: class_by_status(status, effect)
)


@pytest.mark.parametrize(
    ("address", "route"),
    [
        ("/BusinessPartners", "BusinessPartners"),
        ("/BusinessPartners('C1')", "BusinessPartners"),
        ("/BusinessPartners('C1')?$select=CardCode", "BusinessPartners"),
        ("/BusinessPartners?$filter=CardCode eq 'C1'", "BusinessPartners"),
        ("/Orders(7)/Close", "Orders/Close"),
        ("/accounts(0b7c)/Microsoft.Dynamics.CRM.Merge", "accounts/Microsoft.Dynamics.CRM.Merge"),
        ("/items('a)b/Secret')", "items"),
        ("/items('a%2FSecret')/Cancel", "items/Cancel"),
        ("/items('a/Secret", "items"),
        ("/items('a)/Müller", "items"),
        ("/customers/C1", "customers"),
        ("/customers/C1/addresses", "customers"),
        ("/$batch", "$batch"),
        ("/WhoAmI()", "WhoAmI"),
        ("/4711", "…"),
        ("/", "…"),
        ("", "…"),
    ],
)
def test_the_route_of_an_address(address: str, route: str) -> None:
    assert route_of(ROOT + address, ROOT) == route


def test_an_address_that_is_not_below_the_root_has_no_route() -> None:
    assert route_of("https://elsewhere.example/Orders", ROOT) == "…"
    assert route_of("https://elsewhere.example/Orders", "") == "…"


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1))
def test_no_key_gets_into_a_route(key: str) -> None:
    quoted = str(httpx.URL("https://x.example/", params={"k": key}).query, "ascii")
    assert route_of(f"{ROOT}/Items('{quoted}')", ROOT) == "Items"
    assert route_of(f"{ROOT}/items/{quoted}", ROOT) == "items"
    assert route_of(f"{ROOT}/Items?$filter={quoted}", ROOT) == "Items"


async def _send(call: Call, *steps: Any, ratio: float = 1.0) -> Recorder:
    script, time = Script(*steps), FakeTime()
    client = new_http_client(transport=script.transport)
    sender = Sender(client, DIALECT, gate=RecordingGate(), clock=time.clock, root=ROOT)
    with recording(ratio) as recorder:
        try:
            await sender.send(call)
        except HubError:
            pass
        finally:
            await client.aclose()
    return recorder


async def test_every_request_that_goes_out_has_a_span_repeats_too() -> None:
    recorder = await _send(
        Call("GET", f"{ROOT}/Orders('hush')?$filter=Name eq 'hush'"),
        httpx.Response(429, headers={"Retry-After": "3"}, text="hush"),
        httpx.ConnectError("hush"),
        httpx.Response(200, json={"hush": "hush"}),
    )
    throttled, lost, well = recorder.spans
    assert {span.name for span in recorder.spans} == {"GET toy Orders"}
    assert {span.kind for span in recorder.spans} == {SpanKind.CLIENT}
    assert [told(span)["http.request.resend_count"] for span in recorder.spans] == [0, 1, 2]
    assert told(throttled)["http.response.status_code"] == 429
    assert told(throttled)["hub.throttled"] is True
    assert throttled.status.status_code is StatusCode.ERROR
    assert "http.response.status_code" not in told(lost)
    assert lost.status.status_code is StatusCode.ERROR
    assert (told(well)["http.response.status_code"], well.status.status_code) == (200, StatusCode.UNSET)
    assert "hub.throttled" not in told(well)
    assert not any("hush" in span.to_json() for span in recorder.spans)


async def test_requests_and_throttles_are_counted_by_system() -> None:
    recorder = await _send(
        Call("POST", f"{ROOT}/Orders", Effect.UPDATE, body={}),
        httpx.Response(429),
        httpx.Response(503, headers={"Retry-After": "3"}),
        httpx.ConnectError("no"),
        httpx.Response(204),
    )
    assert recorder.metrics("hub.requests") == {
        ("429", "toy"): 1,
        ("5xx", "toy"): 1,
        ("error", "toy"): 1,
        ("2xx", "toy"): 1,
    }
    assert recorder.metrics("hub.throttles") == {("toy",): 2}


async def test_the_wait_for_the_gate_is_told() -> None:
    recorder = await _send(Call("GET", f"{ROOT}/Orders"), httpx.Response(200))
    assert told(recorder.spans[0])["hub.gate_wait_seconds"] == 0
