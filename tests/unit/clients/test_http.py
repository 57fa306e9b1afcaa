"""Sending one request: what is repeated, how long it waits, what a failure below HTTP means."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clients.answers import Effect, class_by_status, json_body, retry_after_seconds, server_time
from shared.clients.connections import HttpTimes, new_http_client, trust
from shared.clients.exact_json import dump_json, parse_json
from shared.clients.http import NO_GATE, Call, Dialect, Sender
from shared.errors import (
    HubError,
    Misconfigured,
    NotFound,
    Rejected,
    Stale,
    Throttled,
    Transient,
    UnknownOutcome,
)
from tests.unit.clients.fakes import START, FakeTime, RecordingGate, Script

URL = "https://system.example/rows"
DIALECT = Dialect(
    "toy", lambda response: ("", response.text), lambda status, _code, effect: class_by_status(status, effect)
)


class Bench:
    """A sender with everything around it faked."""

    def __init__(self, *steps: Any, times: HttpTimes | None = None, credentials: Any = None) -> None:
        self.script = Script(*steps)
        self.time = FakeTime()
        self.gate = RecordingGate()
        client = new_http_client(transport=self.script.transport)
        self.sender = Sender(
            client, DIALECT, gate=self.gate, credentials=credentials, times=times, clock=self.time.clock
        )


def get() -> Call:
    return Call("GET", URL)


def create(body: Any = None) -> Call:
    return Call("POST", URL, Effect.CREATE, body=body if body is not None else {"a": 1})


@pytest.mark.parametrize(
    ("status", "effect", "expected"),
    [
        (200, Effect.READ, None),
        (204, Effect.CREATE, None),
        (302, Effect.READ, Misconfigured),
        (400, Effect.READ, Rejected),
        (401, Effect.READ, Misconfigured),
        (403, Effect.UPDATE, Misconfigured),
        (404, Effect.READ, NotFound),
        (408, Effect.CREATE, UnknownOutcome),
        (412, Effect.UPDATE, Stale),
        (413, Effect.CREATE, Rejected),
        (429, Effect.CREATE, Throttled),
        (500, Effect.READ, Transient),
        (502, Effect.UPDATE, Transient),
        (503, Effect.CREATE, UnknownOutcome),
        (504, Effect.CREATE, UnknownOutcome),
    ],
)
def test_a_status_alone_decides_the_class(status: int, effect: Effect, expected: type[HubError] | None) -> None:
    assert class_by_status(status, effect) is expected


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_read_is_repeated_until_it_succeeds(status: int) -> None:
    bench = Bench(httpx.Response(status), httpx.Response(status), httpx.Response(200, json={"ok": True}))
    assert (await bench.sender.send(get())).json() == {"ok": True}
    assert len(bench.script.requests) == 3
    assert bench.gate.taken == 3
    assert bench.gate.held == 0


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_create_that_fails_in_the_server_is_sent_once_and_its_outcome_is_unknown(status: int) -> None:
    bench = Bench(httpx.Response(status, text="<html>"))
    with pytest.raises(UnknownOutcome):
        await bench.sender.send(create())
    assert len(bench.script.requests) == 1


async def test_a_create_that_was_throttled_is_repeated() -> None:
    bench = Bench(httpx.Response(429, headers={"Retry-After": "2"}), httpx.Response(201))
    assert (await bench.sender.send(create())).status_code == 201
    assert bench.gate.pauses == [2.0]
    assert bench.time.slept[0] >= 2.0


async def test_a_refusal_is_not_repeated() -> None:
    bench = Bench(httpx.Response(400, text="no"))
    with pytest.raises(Rejected):
        await bench.sender.send(get())
    assert bench.time.slept == []


async def test_repeating_ends_with_the_budget() -> None:
    bench = Bench(*[httpx.Response(503)] * 200, times=HttpTimes(budget=20.0))
    with pytest.raises(Transient):
        await bench.sender.send(get())
    assert 2 < len(bench.script.requests) < 200
    assert sum(bench.time.slept) <= 20.0


async def test_pauses_of_our_own_are_jittered_and_grow() -> None:
    firsts, lasts = set(), []
    for _ in range(20):
        bench = Bench(*[httpx.Response(503)] * 4, httpx.Response(200), times=HttpTimes(budget=1000))
        await bench.sender.send(get())
        firsts.add(bench.time.slept[0])
        lasts.append(bench.time.slept[3])
    assert len(firsts) > 10
    assert max(firsts) <= 0.5
    assert 0.5 < max(lasts) <= 4.0


async def test_a_wait_longer_than_the_budget_is_handed_on_at_once() -> None:
    bench = Bench(httpx.Response(429, headers={"Retry-After": "300"}))
    with pytest.raises(Throttled) as caught:
        await bench.sender.send(get())
    assert caught.value.retry_after_seconds == 300.0
    assert bench.time.slept == []
    assert bench.gate.pauses == [300.0]


async def test_a_503_that_says_when_to_come_back_is_throttling() -> None:
    bench = Bench(httpx.Response(503, headers={"Retry-After": "100"}))
    with pytest.raises(Throttled) as caught:
        await bench.sender.send(get())
    assert caught.value.retry_after_seconds == 100.0


async def test_throttling_without_a_time_backs_off_and_ends_without_one() -> None:
    bench = Bench(*[httpx.Response(429)] * 200)
    with pytest.raises(Throttled) as caught:
        await bench.sender.send(get())
    assert caught.value.retry_after_seconds is None
    assert bench.gate.pauses == []
    assert len(bench.script.requests) > 1


@pytest.mark.parametrize(
    ("value", "date", "expected"),
    [
        ("7", None, 7.0),
        ("2.5", None, 2.5),
        ("0", None, 0.0),
        ("", None, None),
        ("soon", None, None),
        ("-3", None, None),
        (format_datetime(START + timedelta(seconds=30), usegmt=True), None, 30.0),
        (format_datetime(START - timedelta(seconds=30), usegmt=True), None, 0.0),
        (
            format_datetime(START + timedelta(seconds=330), usegmt=True),
            format_datetime(START + timedelta(seconds=300), usegmt=True),
            30.0,
        ),
    ],
)
def test_retry_after_is_read_in_all_its_forms(value: str, date: str | None, expected: float | None) -> None:
    headers = {"Retry-After": value} | ({"Date": date} if date else {})
    assert retry_after_seconds(httpx.Response(429, headers=headers), START) == expected


def test_the_server_clock_is_its_date_header() -> None:
    response = httpx.Response(200, headers={"Date": "Mon, 02 Mar 2026 11:58:00 GMT"})
    assert server_time(response, START) == datetime(2026, 3, 2, 11, 58, tzinfo=UTC)
    assert server_time(httpx.Response(200), START) == START
    assert server_time(httpx.Response(200, headers={"Date": "yesterday"}), START) == START


LOST = [
    httpx.ReadTimeout("slow"),
    httpx.ReadError("reset"),
    httpx.WriteError("reset"),
    httpx.WriteTimeout("slow"),
    httpx.RemoteProtocolError("Server disconnected without sending a response."),
]
NEVER_SENT = [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.PoolTimeout("busy")]


@pytest.mark.parametrize("error", LOST, ids=lambda e: type(e).__name__)
async def test_a_create_whose_answer_was_lost_is_never_sent_again(error: Exception) -> None:
    bench = Bench(error)
    with pytest.raises(UnknownOutcome) as caught:
        await bench.sender.send(create())
    assert caught.value.code == type(error).__name__
    assert len(bench.script.requests) == 1


@pytest.mark.parametrize("error", NEVER_SENT, ids=lambda e: type(e).__name__)
async def test_a_create_that_never_left_is_sent_again(error: Exception) -> None:
    bench = Bench(error, httpx.Response(201))
    assert (await bench.sender.send(create())).status_code == 201


@pytest.mark.parametrize("effect", [Effect.READ, Effect.UPDATE])
@pytest.mark.parametrize("error", LOST + NEVER_SENT, ids=lambda e: type(e).__name__)
async def test_what_may_be_repeated_is_sent_again_after_any_broken_connection(error: Exception, effect: Effect) -> None:
    bench = Bench(error, httpx.Response(200))
    assert (await bench.sender.send(Call("PATCH", URL, effect, body={}))).status_code == 200


async def test_the_first_repeat_after_a_dropped_connection_does_not_wait() -> None:
    dropped = httpx.RemoteProtocolError("Server disconnected")
    bench = Bench(dropped, dropped, httpx.Response(200))
    await bench.sender.send(get())
    assert bench.time.slept[0] == 0.0
    assert len(bench.time.slept) == 2


async def test_a_system_that_stays_away_is_transient() -> None:
    bench = Bench(*[httpx.ConnectError("refused")] * 200)
    with pytest.raises(Transient):
        await bench.sender.send(create())


async def test_an_untrusted_certificate_is_a_setting_to_mend() -> None:
    error = httpx.ConnectError("[SSL] failed")
    error.__cause__ = ssl.SSLCertVerificationError("self-signed certificate")
    bench = Bench(error)
    with pytest.raises(Misconfigured, match="CA bundle"):
        await bench.sender.send(get())
    assert len(bench.script.requests) == 1


async def test_an_answer_that_drips_forever_is_cut_off() -> None:
    async def never(_request: httpx.Request) -> httpx.Response:
        await _forever()
        raise AssertionError

    client = new_http_client(transport=httpx.MockTransport(never))
    sender = Sender(client, DIALECT, times=HttpTimes(connect=0.01, write_read=0.01))
    with pytest.raises(UnknownOutcome):
        await sender.send(create())


async def _forever() -> None:
    import asyncio

    await asyncio.Event().wait()


async def test_an_address_that_is_no_url_is_a_setting_to_mend() -> None:
    sender = Sender(new_http_client(), DIALECT)
    with pytest.raises(Misconfigured):
        await sender.send(Call("GET", "system.example/rows"))
    with pytest.raises(Misconfigured):
        await sender.send(Call("GET", "https://system.example:port/rows"))


def test_a_missing_ca_bundle_is_a_setting_to_mend(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        trust(str(tmp_path / "absent.pem"))
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    with pytest.raises(Misconfigured):
        trust(str(empty))


class Token:
    """Credentials that count; each renewal makes the next number, unless someone was first."""

    def __init__(self) -> None:
        self.number = 1
        self.renewals = 0
        self.noticed: list[int] = []

    async def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"t{self.number}"}

    async def renew(self, refused: Mapping[str, str]) -> None:
        self.renewals += 1
        if refused["Authorization"] == f"t{self.number}":
            self.number += 1

    async def notice(self, response: httpx.Response) -> None:
        self.noticed.append(response.status_code)


async def test_a_refused_identity_is_renewed_once_and_even_a_create_sent_again() -> None:
    token = Token()
    bench = Bench(httpx.Response(401), httpx.Response(201), credentials=token)
    await bench.sender.send(create())
    assert [each.headers["Authorization"] for each in bench.script.requests] == ["t1", "t2"]
    assert token.noticed == [401, 201]
    assert bench.gate.most_held == 1


async def test_an_identity_refused_twice_is_a_setting_to_mend() -> None:
    token = Token()
    bench = Bench(httpx.Response(401), httpx.Response(401), credentials=token)
    with pytest.raises(Misconfigured):
        await bench.sender.send(get())
    assert token.renewals == 1


async def test_what_the_gate_says_is_handed_on_unrepeated() -> None:
    class Closed(RecordingGate):
        @asynccontextmanager
        async def _refuse(self) -> AsyncIterator[None]:
            if self.taken:
                raise Throttled("closed", retry_after_seconds=5)
            yield

        def slot(self) -> AbstractAsyncContextManager[None]:
            self.taken += 1
            return self._refuse()

    gate = Closed()
    sender = Sender(new_http_client(transport=Script().transport), DIALECT, gate=gate)
    with pytest.raises(Throttled):
        await sender.send(get())
    assert gate.taken == 1


async def test_error_texts_hold_no_value_of_the_request() -> None:
    bench = Bench(httpx.Response(400, text="Invalid name Muster in row of Hauptstr 5, mail a@b.example"))
    with pytest.raises(Rejected) as caught:
        await bench.sender.send(create({"Name": "Muster", "Rows": [{"Street": "Hauptstr 5"}]}))
    assert "Muster" not in caught.value.text
    assert "Hauptstr" not in caught.value.text
    assert "a@b.example" not in caught.value.text


async def test_logs_hold_no_secret_and_no_record(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bench = Bench(httpx.Response(200, text="answer-secret"), credentials=Token())
    call = Call(
        "POST", f"{URL}?$filter=Mail eq 'url-secret'", headers={"Cookie": "cookie-secret"}, body={"a": "body-secret"}
    )
    await bench.sender.send(call)
    # Everything a log record holds, extras included.
    logged = repr([vars(each) for each in caplog.records])
    assert "toy" in logged
    assert "secret" not in logged


async def test_cookies_are_never_kept_by_the_http_client() -> None:
    script = Script(httpx.Response(200, headers={"Set-Cookie": "A=1; Path=/"}), httpx.Response(200))
    client = new_http_client(transport=script.transport)
    sender = Sender(client, DIALECT)
    await sender.send(get())
    await sender.send(get())
    assert "Cookie" not in script.requests[1].headers


async def test_decimals_reach_the_wire_digit_by_digit() -> None:
    bench = Bench(httpx.Response(201, content=b'{"total": 0.30, "n": 3}'))
    call = create({"Price": Decimal("1234567890123456.10"), "Small": Decimal("1E-7"), "Big": Decimal("1E+3")})
    response = await bench.sender.send(call)
    assert bench.script.requests[0].content == b'{"Price":1234567890123456.10,"Small":0.0000001,"Big":1000}'
    assert json_body(response, call.effect, "toy") == {"total": Decimal("0.30"), "n": 3}


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_a_decimal_survives_there_and_back(number: Decimal) -> None:
    assert parse_json(dump_json([number, "x"]))[0] == number


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}', "", "<html>"])
def test_what_is_not_strict_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_json(text)


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), float("nan")])
def test_a_number_that_is_none_is_never_written(value: object) -> None:
    with pytest.raises(ValueError):
        dump_json({"a": value})


@pytest.mark.parametrize(("effect", "expected"), [(Effect.READ, Transient), (Effect.CREATE, UnknownOutcome)])
def test_a_success_that_is_no_json_is_not_believed(effect: Effect, expected: type[HubError]) -> None:
    with pytest.raises(expected):
        json_body(httpx.Response(200, text="<html>welcome</html>"), effect, "toy")
    assert json_body(httpx.Response(204), effect, "toy") is None


async def test_no_gate_lets_everything_through() -> None:
    async with NO_GATE.slot(), NO_GATE.slot():
        await NO_GATE.pause(5)
        await NO_GATE.hint(3)
