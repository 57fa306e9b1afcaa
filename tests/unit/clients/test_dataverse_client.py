"""Requests: headers, pages, batches, identity, limits; on a scripted transport."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import httpx
import pytest

from shared.clients.answers import Effect
from shared.clients.dataverse.client import Operation
from shared.errors import Misconfigured, NotFound, Rejected, Stale, Throttled, Transient, UnknownOutcome
from tests.unit.clients.dataverse_setting import (
    API,
    DONE,
    READ_AT,
    CountedTokens,
    JumpingClock,
    RecordingGate,
    Wire,
    batch_answer,
    client_on,
    config,
    guid,
    inner_requests,
    refusal,
    refused_part,
    rows_answer,
)

WHO = {"UserId": guid(1)}


def answering(*responses: httpx.Response) -> Wire:
    """Answers in order; the last one again and again."""
    left: Iterator[httpx.Response] = iter(responses)
    last = responses[-1]
    return Wire(
        lambda _: next(left, None) or httpx.Response(last.status_code, headers=last.headers, content=last.content)
    )


async def test_a_read_names_the_protocol_and_defeats_caches() -> None:
    wire = answering(httpx.Response(200, json=WHO))
    await client_on(wire).get("WhoAmI")
    headers = wire.requests[0].headers
    assert str(wire.requests[0].url) == f"{API}WhoAmI"
    assert headers["OData-Version"] == headers["OData-MaxVersion"] == "4.0"
    assert headers["If-None-Match"] == "null"
    assert headers["Authorization"] == "Bearer token-1"
    assert headers["Accept"] == "application/json"


async def test_numbers_with_a_fraction_arrive_exactly() -> None:
    wire = answering(httpx.Response(200, content=b'{"value":[{"revenue":0.10,"accountid":"x"}]}'))
    page = await client_on(wire).page(f"{API}accounts", 10)
    assert page.rows == [{"revenue": Decimal("0.10"), "accountid": "x"}]
    assert page.read_at == READ_AT


async def test_no_cookie_is_ever_sent_back() -> None:
    pinned = {"Set-Cookie": "ARRAffinity=f60c; path=/; secure; HttpOnly"}
    wire = answering(httpx.Response(200, json=WHO, headers=pinned))
    client = client_on(wire)
    for _ in range(3):
        await client.get("WhoAmI")
    assert [request.headers.get("Cookie") for request in wire.requests] == [None, None, None]


LINK = (
    f"{API}accounts?$select=name&$skiptoken=%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%253ccookie%2520page"
    "%253d%25221%2522%253e%253caccountid%2520last%253d%2522%257b0A%257d%2522%2520%252f%253e%22%20/%3E"
)


async def test_a_link_is_followed_letter_by_letter_with_the_page_size_again() -> None:
    wire = answering(rows_answer([{"accountid": guid(1)}], LINK), rows_answer([{"accountid": guid(2)}]))
    rows = await client_on(wire).rows(f"{API}accounts?$select=name", 500)
    assert rows == [{"accountid": guid(1)}, {"accountid": guid(2)}]
    assert wire.requests[1].url.raw_path.decode() == LINK.removeprefix("https://contoso.crm4.dynamics.com")
    assert [request.headers["Prefer"] for request in wire.requests] == ["odata.maxpagesize=500"] * 2


async def test_an_empty_page_with_a_link_is_not_the_end() -> None:
    wire = answering(rows_answer([], f"{API}2"), rows_answer([{"accountid": guid(1)}], f"{API}3"), rows_answer([]))
    assert await client_on(wire).rows(f"{API}accounts", 1) == [{"accountid": guid(1)}]


async def test_links_that_lead_in_a_circle_end_in_an_error() -> None:
    wire = Wire(lambda request: rows_answer([], f"{API}b" if request.url.path.endswith("/a") else f"{API}a"))
    with pytest.raises(Transient):
        await client_on(wire).rows(f"{API}accounts", 1)
    assert len(wire.requests) < 10


async def test_a_link_to_another_host_is_refused_and_no_token_leaves() -> None:
    wire = answering(rows_answer([], "https://evil.example/api/data/v9.2/accounts"))
    with pytest.raises(Misconfigured):
        await client_on(wire).rows(f"{API}accounts", 1)
    assert {request.url.host for request in wire.requests} == {"contoso.crm4.dynamics.com"}


async def test_a_redirect_is_not_followed() -> None:
    wire = answering(httpx.Response(302, headers={"Location": "https://evil.example/"}))
    with pytest.raises(Misconfigured):
        await client_on(wire).get("WhoAmI")
    assert len(wire.requests) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"value":[1]}', b'{"value":{}}'])
async def test_a_success_that_is_no_page_is_transient(body: bytes) -> None:
    with pytest.raises(Transient):
        await client_on(answering(httpx.Response(200, content=body))).page(f"{API}accounts", 1)


async def test_a_long_query_travels_inside_a_batch() -> None:
    url = f"{API}accounts?$filter={'x' * 7000}"
    wire = answering(batch_answer((200, {}, {"value": [{"accountid": guid(1), "@odata.etag": "W/1"}]})))
    page = await client_on(wire).page(url, 500)
    assert page.rows == [{"accountid": guid(1)}]
    assert page.read_at == READ_AT
    assert wire.paths == ["POST /$batch"]
    method, path, headers, body = inner_requests(wire.requests[0])[0]
    assert (method, body) == ("GET", None)
    assert path == url.removeprefix("https://contoso.crm4.dynamics.com")
    assert headers["Prefer"] == "odata.maxpagesize=500"


async def test_a_long_query_that_is_refused_is_wrong_for_every_record() -> None:
    part = refused_part(400, "0x80060888", "Could not find a property named 'nope' on type 'x'.")
    with pytest.raises(Misconfigured) as raised:
        await client_on(answering(batch_answer(part))).page(f"{API}accounts?{'x' * 7000}", 1)
    assert raised.value.fields == ("nope",)


@pytest.mark.parametrize("answer", [batch_answer(), batch_answer((200, {}, "<html>")), batch_answer((200, {}, None))])
async def test_a_long_query_that_is_not_answered_is_transient(answer: httpx.Response) -> None:
    with pytest.raises(Transient):
        await client_on(answering(answer)).page(f"{API}accounts?{'x' * 7000}", 1)


# --- identity -------------------------------------------------------------------------------------------------------


async def test_after_a_401_the_token_is_renewed_once_and_the_request_sent_again() -> None:
    challenge = httpx.Response(401, text="HTTP Error 401 - Unauthorized: Access is denied")
    wire = answering(challenge, httpx.Response(200, json=WHO))
    assert (await client_on(wire).get("WhoAmI"))[0] == WHO
    assert [request.headers["Authorization"] for request in wire.requests] == ["Bearer token-1", "Bearer token-2"]


async def test_a_second_401_is_misconfigured() -> None:
    wire = answering(httpx.Response(401, text="denied"))
    with pytest.raises(Misconfigured):
        await client_on(wire).get("WhoAmI")
    assert len(wire.requests) == 2


async def test_an_identity_without_application_user_is_misconfigured_at_once() -> None:
    wire = answering(refusal(403, "0x80072560", "The user is not a member of the organization."))
    with pytest.raises(Misconfigured) as raised:
        await client_on(wire).get("WhoAmI")
    assert raised.value.code == "0x80072560"
    assert len(wire.requests) == 1


async def test_closing_closes_sign_in_too() -> None:
    tokens = CountedTokens()
    await client_on(answering(DONE_RESPONSE), tokens=tokens).close()
    assert tokens.closed


DONE_RESPONSE = httpx.Response(204)


# --- limits ---------------------------------------------------------------------------------------------------------


async def test_a_recommended_number_of_requests_is_passed_on_when_it_changes() -> None:
    hints = [httpx.Response(200, json=WHO, headers={"x-ms-dop-hint": hint}) for hint in ("4", "4", "52", "52")]
    gate = RecordingGate()
    client = client_on(answering(*hints, httpx.Response(200, json=WHO)), gate=gate)
    for _ in range(5):
        await client.get("WhoAmI")
    assert gate.hints == [4, 52]
    assert gate.slots == 5


async def test_limits_are_read_with_their_thousands_separators() -> None:
    left = {
        "x-ms-ratelimit-time-remaining-xrm-requests": "1,200.00",
        "x-ms-ratelimit-burst-remaining-xrm-requests": "5999",
    }
    client = client_on(answering(httpx.Response(200, json=WHO, headers=left)))
    await client.get("WhoAmI")
    assert (client.limits.requests, client.limits.seconds) == (5999, 1200.0)


@pytest.mark.parametrize("hint", ["", "many", "0", "-1"])
async def test_a_hint_that_is_none_is_left_alone(hint: str) -> None:
    gate = RecordingGate()
    await client_on(answering(httpx.Response(200, json=WHO, headers={"x-ms-dop-hint": hint})), gate=gate).get("WhoAmI")
    assert gate.hints == []


@pytest.mark.parametrize("code", ["0x80072321", "0x80072322", "0X80072326", "-2147015902"])
async def test_throttling_pauses_everyone_and_is_waited_out(code: str) -> None:
    gate, time = RecordingGate(), JumpingClock()
    wire = answering(refusal(429, code, "Number of requests exceeded", **{"Retry-After": "5"}), DONE_RESPONSE)
    await client_on(wire, gate=gate, clock=time.clock()).get("WhoAmI")
    assert gate.pauses == [5.0]
    assert sum(time.slept) >= 5.0


async def test_throttling_beyond_the_budget_is_told_with_its_time() -> None:
    wire = answering(refusal(429, "0x80072321", "Combined execution time", **{"Retry-After": "300"}))
    with pytest.raises(Throttled) as raised:
        await client_on(wire).get("WhoAmI")
    assert raised.value.retry_after_seconds == 300.0
    assert len(wire.requests) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_server_that_is_not_well_is_asked_again_then_transient(status: int) -> None:
    wire = answering(httpx.Response(status, text="<html>"))
    with pytest.raises(Transient):
        await client_on(wire).get("WhoAmI")
    assert len(wire.requests) > 1


# --- writes ---------------------------------------------------------------------------------------------------------


async def test_a_created_record_is_known_by_its_address() -> None:
    address = {"OData-EntityId": f"{API}accounts({guid(7).upper()})"}
    wire = answering(httpx.Response(204, headers=address))
    _, key = await client_on(wire).send("POST", "accounts", {"name": "A", "revenue": Decimal("1.10")}, Effect.CREATE)
    assert key == guid(7)
    assert wire.requests[0].content == b'{"name":"A","revenue":1.10}'
    assert "If-None-Match" not in wire.requests[0].headers


async def test_a_refusal_names_columns_and_quotes_no_value() -> None:
    text = "The length of the 'name' attribute of the 'account' entity exceeded the maximum for Contoso Ltd"
    wire = answering(refusal(400, "0x80044331", text))
    with pytest.raises(Rejected) as raised:
        await client_on(wire).send("PATCH", f"accounts({guid(1)})", {"name": "Contoso Ltd"}, Effect.UPDATE)
    assert raised.value.fields == ("name",)
    assert raised.value.code == "0x80044331"
    assert "Contoso" not in raised.value.text


async def test_a_stale_version_is_told_apart_from_a_duplicate() -> None:
    text = "The version of the existing record doesn't match the RowVersion property provided."
    with pytest.raises(Stale):
        await client_on(answering(refusal(412, "", text))).send("PATCH", f"accounts({guid(1)})", {}, Effect.UPDATE)


async def test_a_batch_is_framed_with_crlf_to_its_very_end() -> None:
    wire = answering(batch_answer(DONE))
    client = client_on(wire, new_boundary=lambda: "batch_1")
    await client.batch([Operation("PATCH", f"accounts({guid(1)})", {"name": "Ä"}, {"If-Match": "*"})])
    assert wire.requests[0].headers["Prefer"] == "odata.continue-on-error"
    assert wire.requests[0].headers["Content-Type"] == "multipart/mixed;boundary=batch_1"
    assert (
        wire.requests[0].content
        == (
            "--batch_1\r\n"
            "Content-Type: application/http\r\n"
            "Content-Transfer-Encoding: binary\r\n"
            "\r\n"
            f"PATCH /api/data/v9.2/accounts({guid(1)}) HTTP/1.1\r\n"
            "Content-Type: application/json; type=entry\r\n"
            "If-Match: *\r\n"
            "\r\n"
            '{"name":"Ä"}\r\n'
            "--batch_1--\r\n"
        ).encode()
    )


async def test_each_part_of_a_batch_has_its_own_outcome() -> None:
    gone = refused_part(404, "0x80040217", f"account With Id = {guid(2)} Does Not Exist")
    too_long = refused_part(400, "0X80044331", "The length of the 'name' attribute of the 'account' entity")
    wire = answering(batch_answer((204, {"OData-EntityId": f"{API}accounts({guid(1)})"}, None), gone, too_long))
    operations = [Operation("PATCH", f"accounts({guid(n)})", {"name": f"Name {n}"}) for n in (1, 2, 3)]
    first, second, third = await client_on(wire).batch(operations)
    assert (first.key, first.error) == (guid(1), None)
    assert isinstance(second.error, NotFound)
    assert isinstance(third.error, Rejected)
    assert third.error.fields == ("name",)


@pytest.mark.parametrize(("effect", "kind"), [(Effect.UPDATE, Transient), (Effect.CREATE, UnknownOutcome)])
async def test_parts_that_were_not_answered_are_open(effect: Effect, kind: type[Exception]) -> None:
    operations = [Operation("POST", "accounts", {}, effect=effect)] * 3
    answers = await client_on(answering(batch_answer(DONE))).batch(operations)
    assert [type(answer.error) for answer in answers] == [type(None), kind, kind]


@pytest.mark.parametrize(("effect", "kind"), [(Effect.UPDATE, Transient), (Effect.CREATE, UnknownOutcome)])
async def test_a_batch_answer_that_is_cut_off_is_open(effect: Effect, kind: type[Exception]) -> None:
    whole = batch_answer(DONE, DONE)
    cut = httpx.Response(200, content=whole.content[:-30], headers={"Content-Type": whole.headers["Content-Type"]})
    with pytest.raises(kind):
        await client_on(answering(cut)).batch([Operation("POST", "accounts", {}, effect=effect)] * 2)


@pytest.mark.parametrize(("effect", "kind"), [(Effect.UPDATE, Transient), (Effect.CREATE, UnknownOutcome)])
async def test_a_lost_answer_to_a_write_is_open_only_where_a_repeat_would_hurt(
    effect: Effect, kind: type[Exception]
) -> None:
    def hang(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow")

    with pytest.raises(kind):
        await client_on(Wire(hang), config=config()).send("POST", "accounts", {}, effect)
