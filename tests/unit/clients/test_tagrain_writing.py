"""Writing to a scripted Tagrain: idempotent creations, updates, lost answers, what becomes of the others."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from shared.clients.answers import Effect
from shared.clients.connections import HttpTimes
from shared.clients.tagrain import TagrainClient, TagrainConfig, TagrainSide
from shared.clients.tagrain.outcomes import class_of
from shared.errors import (
    Conflict,
    HubError,
    Misconfigured,
    NotFound,
    Rejected,
    Throttled,
    Transient,
    Undetermined,
    UnknownOutcome,
)
from shared.ports import Write
from tests.unit.clients.tagrain_script import API_KEY, CLAIM, CUSTOMERS, INVENTORY, ROOT, Tills, problem

NEW = {"name": "Annegret Beispiel", "email": None}


def creation(key: str | None = CLAIM, **body: Any) -> Write:
    return Write("ref", {**NEW, **body}, key=key, create=True)


def made(**row: Any) -> httpx.Response:
    return httpx.Response(201, json={"id": "cus_00012", "version": 1, **row})


def lost() -> httpx.ReadTimeout:
    return httpx.ReadTimeout("no answer")


READ, UPDATE, CREATE = Effect.READ, Effect.UPDATE, Effect.CREATE


@pytest.mark.parametrize(
    ("status", "code", "effect", "expected"),
    [
        (200, "", READ, None),
        (201, "", CREATE, None),
        (400, "bad-request", CREATE, Rejected),
        (400, "unknown-property", UPDATE, Rejected),
        (400, "bad-request", READ, Misconfigured),
        (401, "unauthorized", CREATE, Misconfigured),
        (403, "", UPDATE, Misconfigured),
        (404, "not-found", UPDATE, NotFound),
        (404, "", UPDATE, Misconfigured),
        (404, "unknown-cursor", READ, Misconfigured),
        (405, "method-not-allowed", CREATE, Misconfigured),
        (409, "duplicate", CREATE, Conflict),
        (409, "duplicate", UPDATE, Conflict),
        (409, "something-new", UPDATE, Conflict),
        (409, "idempotency-key-reused", CREATE, Undetermined),
        (415, "not-json", CREATE, Rejected),
        (422, "", CREATE, Rejected),
        (429, "too-many", CREATE, Throttled),
        (500, "", READ, Transient),
        (503, "", UPDATE, Transient),
        (503, "", CREATE, UnknownOutcome),
        (408, "", CREATE, UnknownOutcome),
        (302, "", READ, Misconfigured),
    ],
)
def test_the_table(status: int, code: str, effect: Effect, expected: type[HubError] | None) -> None:
    assert class_of(status, code, effect) is expected


# --- creations --------------------------------------------------------------------------------------------------------


async def test_a_creation_carries_the_key_of_its_claim_twice_and_gives_the_row() -> None:
    tills = Tills(made(name="Annegret Beispiel"))
    [result] = await tills.side.write(CUSTOMERS, [creation(id="mine")])
    assert (result.ref, result.key, result.error) == ("ref", "cus_00012", None)
    assert result.row == {"id": "cus_00012", "version": 1, "name": "Annegret Beispiel"}
    [request] = tills.requests
    assert tills.paths == ["POST customers"]
    assert request.headers["Idempotency-Key"] == CLAIM
    assert json.loads(request.content) == {**NEW, "externalRef": CLAIM}


async def test_where_there_is_no_reference_none_is_sent() -> None:
    tills = Tills(made())
    await tills.side.write(INVENTORY, [creation()])
    assert json.loads(tills.requests[0].content) == NEW


@pytest.mark.parametrize("first", [lost(), httpx.ReadError("cut"), httpx.Response(502), httpx.Response(201, text="x")])
async def test_a_lost_answer_is_asked_for_once_more_with_the_same_key(first: Any) -> None:
    tills = Tills(first, made())
    [result] = await tills.side.write(CUSTOMERS, [creation()])
    assert (result.key, result.error) == ("cus_00012", None)
    assert len(tills.requests) == 2
    assert {each.headers["Idempotency-Key"] for each in tills.requests} == {CLAIM}
    assert len({each.content for each in tills.requests}) == 1


@pytest.mark.parametrize(
    "second",
    [lost(), httpx.Response(503), problem(401, "unauthorized"), problem(429, "too-many", **{"Retry-After": "600"})],
)
async def test_without_a_second_answer_the_outcome_stays_unknown(second: Any) -> None:
    tills = Tills(lost(), second)
    [result] = await tills.side.write(CUSTOMERS, [creation()])
    assert type(result.error) is UnknownOutcome
    assert result.key is None
    assert len(tills.requests) == 2


async def test_a_system_out_of_reach_after_a_lost_answer_leaves_it_unknown() -> None:
    tills = Tills(lost(), *[httpx.ConnectError("refused")] * 30)
    [result] = await tills.side.write(CUSTOMERS, [creation()])
    assert type(result.error) is UnknownOutcome


async def test_a_refusal_after_a_lost_answer_proves_that_nothing_was_created() -> None:
    tills = Tills(lost(), problem(409, "duplicate", "The code is taken.", {"field": "code", "message": "taken"}))
    [result] = await tills.side.write(CUSTOMERS, [creation()])
    assert isinstance(result.error, Conflict)
    assert result.error.fields == ("code",)


async def test_an_answer_that_took_longer_than_the_budget_is_not_asked_for_again() -> None:
    tills = Tills(times=HttpTimes(budget=20.0))

    def slow(_: httpx.Request) -> httpx.Response:
        tills.time.seconds += 120
        raise lost()

    tills.script.steps = [slow]
    [result] = await tills.side.write(CUSTOMERS, [creation()])
    assert type(result.error) is UnknownOutcome


async def test_a_key_that_came_with_another_body_is_for_a_look_up_to_tell() -> None:
    tills = Tills(problem(409, "idempotency-key-reused"), made())
    results = await tills.side.write(CUSTOMERS, [creation()])
    assert isinstance(results[0].error, Undetermined)
    assert len(tills.requests) == 1


async def test_a_creation_answered_without_an_id_is_unknown() -> None:
    [result] = await Tills(httpx.Response(201, json={"version": 1})).side.write(CUSTOMERS, [creation()])
    assert type(result.error) is UnknownOutcome


# --- updates ----------------------------------------------------------------------------------------------------------


async def test_an_update_sets_the_given_properties_alone_and_gives_the_row() -> None:
    tills = Tills(httpx.Response(200, json={"id": "cus_1", "version": 4, "phone": "+49 40 1"}))
    [result] = await tills.side.write(CUSTOMERS, [Write("a", {"phone": "+49 40 1", "id": "cus_1"}, key="cus_1")])
    assert (result.key, result.error) == ("cus_1", None)
    assert result.row is not None
    assert result.row["version"] == 4
    assert tills.paths == ["PATCH customers/cus_1"]
    assert json.loads(tills.requests[0].content) == {"phone": "+49 40 1"}
    assert "Idempotency-Key" not in tills.requests[0].headers


async def test_an_update_whose_answer_was_lost_is_sent_again() -> None:
    tills = Tills(lost(), httpx.Response(200, json={"id": "cus_1", "version": 4}))
    [result] = await tills.side.write(CUSTOMERS, [Write("a", {"phone": "1"}, key="cus_1")])
    assert result.error is None
    assert len(tills.requests) == 2


async def test_a_record_that_is_gone_is_not_found() -> None:
    tills = Tills(problem(404, "not-found"))
    [result] = await tills.side.write(CUSTOMERS, [Write("a", {"phone": "1"}, key="cus_1")])
    assert isinstance(result.error, NotFound)
    assert result.key == "cus_1"


@pytest.mark.parametrize(
    ("write", "code"),
    [
        (Write("a", {}, key="cus_1", delete=True), "no-delete"),
        (Write("a", {}), "key"),
        (Write("a", {}, key="../sales"), "key"),
        (Write("a", {}, create=True), "key"),
        (Write("a", {"name": object()}, key="cus_1"), "bad-value"),
        (Write("a", {"name": float("nan")}, key="cus_1"), "bad-value"),
    ],
)
async def test_what_cannot_be_written_is_refused_unsent(write: Write, code: str) -> None:
    [result] = await Tills().side.write(CUSTOMERS, [write])
    assert isinstance(result.error, Rejected)
    assert result.error.code == code


# --- several ----------------------------------------------------------------------------------------------------------


async def test_results_stand_in_the_order_of_the_writes_and_only_some_go_at_once() -> None:
    at_once, most = 0, 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        name = request.url.path.rpartition("_")[2]
        for _ in range(20 - int(name)):
            await asyncio.sleep(0)
        at_once -= 1
        if name == "2":
            return problem(400, "bad-request")
        return httpx.Response(200, json={"id": f"cus_{name}"})

    client = TagrainClient(TagrainConfig(base_url=ROOT, api_key=API_KEY), transport=httpx.MockTransport(answer))
    writes = [Write(f"r{n}", {"phone": str(n)}, key=f"cus_{n}") for n in range(9)]
    results = await TagrainSide(client).write(CUSTOMERS, writes)
    assert [each.ref for each in results] == [f"r{n}" for n in range(9)]
    assert [each.key for each in results] == [f"cus_{n}" for n in range(9)]
    assert [n for n, each in enumerate(results) if each.error] == [2]
    assert most == 4
    await client.close()


async def test_after_a_lost_creation_the_rest_is_not_sent() -> None:
    tills = Tills(lost(), lost(), writes_at_once=1)
    first, rest = await tills.side.write(CUSTOMERS, [creation(), Write("b", {"phone": "1"}, key="cus_1")])
    assert type(first.error) is UnknownOutcome
    assert isinstance(rest.error, Transient)
    assert rest.key == "cus_1"
    assert len(tills.requests) == 2


async def test_what_only_a_look_up_tells_keeps_no_other_back() -> None:
    tills = Tills(problem(409, "idempotency-key-reused"), made(), writes_at_once=1)
    first, second = await tills.side.write(CUSTOMERS, [creation(), creation("claim-2")])
    assert isinstance(first.error, Undetermined)
    assert second.key == "cus_00012"


async def test_an_error_of_the_system_is_raised_only_if_it_is_all_there_is_to_say() -> None:
    refused = [problem(401, "unauthorized")] * 2
    writes = [Write(str(n), {"phone": str(n)}, key=f"cus_{n}") for n in range(3)]
    with pytest.raises(Misconfigured):
        await Tills(*refused, writes_at_once=2).side.write(CUSTOMERS, writes)
    tills = Tills(httpx.Response(200, json={"id": "cus_0"}), *refused, writes_at_once=1)
    results = await tills.side.write(CUSTOMERS, writes)
    assert [type(each.error) for each in results] == [type(None), Misconfigured, Misconfigured]
    assert len(tills.requests) == 2


async def test_nothing_is_nothing() -> None:
    assert await Tills().side.write(CUSTOMERS, []) == []


async def test_errors_name_properties_and_hold_no_values_and_no_key() -> None:
    told = {"field": "email", "message": "'annegret@example.com' is none"}
    tills = Tills(problem(400, "bad-request", "Annegret Beispiel cannot be kept", told))
    [result] = await tills.side.write(CUSTOMERS, [creation(email="annegret@example.com")])
    assert result.error is not None
    assert result.error.fields == ("email",)
    assert "Annegret" not in result.error.text
    assert "annegret" not in result.error.text
    assert "email" in result.error.text
    assert API_KEY not in repr(tills.client.config)


@pytest.mark.parametrize(
    ("base", "root"),
    [
        (ROOT, ROOT),
        (f"{ROOT}/", ROOT),
        ("https://tills.example", ROOT),
        ("http://127.0.0.1:5/x", "http://127.0.0.1:5/x/v1"),
    ],
)
def test_the_address_may_be_told_with_or_without_its_version(base: str, root: str) -> None:
    assert TagrainConfig(base_url=base, api_key="k").root == root


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url": "tills.example"},
        {"base_url": "http://tills.example"},
        {"base_url": "https://tills.example/v1?x=1"},
        {"api_key": ""},
        {"api_key": "schlüssel"},
        {"api_key": "a\nb"},
        {"page_size": 201},
        {"values_at_once": 101},
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_sent(changes: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured):
        TagrainConfig(**({"base_url": ROOT, "api_key": "k"} | changes))
