"""How writes are grouped, sent in bulk, and sent again row by row where a bulk message is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx
import pytest

from shared.clients.dataverse import DataverseSide
from shared.errors import (
    Conflict,
    Misconfigured,
    NotFound,
    Rejected,
    Throttled,
    Transient,
    UnknownOutcome,
)
from shared.ports import Write
from tests.unit.clients.dataverse_setting import (
    ACCOUNT,
    API,
    DONE,
    Wire,
    batch_answer,
    client_on,
    config,
    guid,
    inner_requests,
    refusal,
    refused_part,
)

BULK = frozenset({"UpsertMultiple", "UpdateMultiple"})


class Table:
    """Answers as a table that takes the given bulk messages; ``bulk`` and ``part`` decide how writes end."""

    def __init__(self, messages: frozenset[str] = BULK) -> None:
        self.messages = messages
        self.bulk: Callable[[httpx.Request], httpx.Response] = lambda _: httpx.Response(204)
        self.single: Callable[[httpx.Request], httpx.Response] = lambda _: httpx.Response(204)
        self.refused_keys: dict[str, tuple[int, dict[str, str], Any]] = {}
        self.wire = Wire(self._answer)

    def side(self, **changes: Any) -> DataverseSide:
        return DataverseSide(client_on(self.wire, **changes))

    def bodies(self, message: str) -> list[Any]:
        return [json.loads(each.content)["Targets"] for each in self.wire.requests if each.url.path.endswith(message)]

    @property
    def batches(self) -> list[list[tuple[str, str, dict[str, str], Any]]]:
        return [inner_requests(each) for each in self.wire.requests if each.url.path.endswith("$batch")]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.endswith("/sdkmessagefilters"):
            known = any(f"'{message}'" in request.url.params["$filter"] for message in self.messages)
            return httpx.Response(200, json={"value": [{"sdkmessagefilterid": guid(9)}] if known else []})
        if path.endswith("Multiple"):
            return self.bulk(request)
        if path.endswith("$batch"):
            return batch_answer(*(self._part(path) for _, path, _, _ in inner_requests(request)))
        return self.single(request)

    def _part(self, path: str) -> tuple[int, dict[str, str], Any]:
        key = path.partition("(")[2].rstrip(")")
        if not key:
            return 204, {"OData-EntityId": f"{API}accounts({guid(99)})"}, None
        return self.refused_keys.get(key, DONE)


def creates(numbers: Sequence[int]) -> list[Write]:
    return [Write(f"c{n}", {"name": f"Name {n}"}, key=guid(n), create=True) for n in numbers]


def updates(numbers: Sequence[int]) -> list[Write]:
    return [Write(f"u{n}", {"name": f"Name {n}"}, key=guid(n)) for n in numbers]


def refusing(status: int, code: str, text: str = "refused", headers: Mapping[str, str] | None = None) -> Any:
    return lambda _: refusal(status, code, text, **(headers or {}))


async def test_many_creates_are_one_upsert_message() -> None:
    table = Table()
    results = await table.side().write(ACCOUNT, creates([1, 2]))
    assert [(each.ref, each.key, each.error) for each in results] == [("c1", guid(1), None), ("c2", guid(2), None)]
    assert table.bodies("/accounts/Microsoft.Dynamics.CRM.UpsertMultiple") == [
        [
            {"@odata.type": "Microsoft.Dynamics.CRM.account", "accountid": guid(1), "name": "Name 1"},
            {"@odata.type": "Microsoft.Dynamics.CRM.account", "accountid": guid(2), "name": "Name 2"},
        ]
    ]


async def test_creates_and_updates_are_two_messages_and_answered_in_the_order_asked() -> None:
    table = Table()
    mixed = [each for pair in zip(updates([1, 2]), creates([3, 4]), strict=True) for each in pair]
    results = await table.side().write(ACCOUNT, mixed)
    assert [each.ref for each in results] == ["u1", "c3", "u2", "c4"]
    assert len(table.bodies("UpsertMultiple")) == len(table.bodies("UpdateMultiple")) == 1


async def test_bulk_messages_are_cut_to_size() -> None:
    table = Table()
    await table.side(config=config(bulk_size=100)).write(ACCOUNT, updates(range(250)))
    assert [len(targets) for targets in table.bodies("UpdateMultiple")] == [100, 100, 50]


async def test_whether_a_table_takes_a_bulk_message_is_asked_once() -> None:
    table = Table()
    side = table.side()
    for _ in range(3):
        await side.write(ACCOUNT, updates([1, 2]))
    asked = [each.url.params["$filter"] for each in table.wire.requests if each.url.path.endswith("sdkmessagefilters")]
    assert asked == ["sdkmessageid/name eq 'UpdateMultiple' and primaryobjecttypecode eq 'account'"]


@pytest.mark.parametrize("known", [frozenset(), frozenset({"UpsertMultiple"})])
async def test_a_table_without_the_bulk_message_is_written_in_a_batch(known: frozenset[str]) -> None:
    table = Table(known)
    results = await table.side().write(ACCOUNT, updates([1, 2]))
    assert [each.error for each in results] == [None, None]
    assert table.bodies("Multiple") == []
    assert [len(batch) for batch in table.batches] == [2]


async def test_who_may_not_ask_for_bulk_messages_writes_in_batches() -> None:
    table = Table()
    forbidden = Wire(
        lambda request: (
            refusal(403, "0x80040220", "missing prvReadSdkMessageFilter privilege")
            if request.url.path.endswith("sdkmessagefilters")
            else table.wire(request)
        )
    )
    results = await DataverseSide(client_on(forbidden)).write(ACCOUNT, updates([1, 2]))
    assert [each.error for each in results] == [None, None]


REFUSED_BULK = [
    refusing(400, "0x80044331", "The length of the 'name' attribute of the 'account' entity"),
    refusing(404, "0x80040217", f"account With Ids = {guid(2)} Do Not Exist"),
    refusing(412, "0x80040237", "Cannot insert duplicate key."),
    refusing(413, ""),
    refusing(500, "0x80040216", "An unexpected error occurred."),
    refusing(500, "0x80044151", "SQL timeout expired."),
]


@pytest.mark.parametrize("bulk", REFUSED_BULK)
async def test_one_bad_row_is_named_and_the_good_ones_land(bulk: Any) -> None:
    table = Table()
    table.bulk = bulk
    table.refused_keys[guid(2)] = refused_part(
        400, "0x80044331", "The length of the 'name' attribute of the 'x' entity"
    )
    results = await table.side().write(ACCOUNT, creates([1, 2, 3]))
    assert [(each.key, type(each.error)) for each in results] == [
        (guid(1), type(None)),
        (guid(2), Rejected),
        (guid(3), type(None)),
    ]
    assert results[1].error is not None
    assert results[1].error.fields == ("name",)
    assert [[path for _, path, _, _ in batch] for batch in table.batches] == [
        [f"/api/data/v9.2/accounts({guid(n)})" for n in (1, 2, 3)]
    ]


async def test_only_the_refused_chunk_is_sent_again() -> None:
    table = Table()
    table.bulk = lambda request: refusal(400, "0x80040203") if guid(3).encode() in request.content else done_answer()
    await table.side(config=config(bulk_size=2)).write(ACCOUNT, updates([1, 2, 3, 4, 5, 6]))
    assert [[path for _, path, _, _ in batch] for batch in table.batches] == [
        [f"/api/data/v9.2/accounts({guid(3)})", f"/api/data/v9.2/accounts({guid(4)})"]
    ]


def done_answer() -> httpx.Response:
    return httpx.Response(204)


async def test_an_update_never_brings_a_deleted_record_back() -> None:
    table = Table(frozenset())
    table.refused_keys[guid(2)] = refused_part(404, "0x80040217", f"account With Id = {guid(2)} Does Not Exist")
    table.single = refusing(404, "0x80040217", f"account With Id = {guid(3)} Does Not Exist")
    side = table.side()
    first, second = await side.write(ACCOUNT, updates([1, 2]))
    (third,) = await side.write(ACCOUNT, updates([3]))
    assert first.error is None
    assert isinstance(second.error, NotFound)
    assert isinstance(third.error, NotFound)
    assert all(headers["If-Match"] == "*" for _, _, headers, _ in table.batches[0])
    assert table.wire.requests[-1].headers["If-Match"] == "*"


async def test_a_create_with_a_key_is_an_upsert() -> None:
    table = Table(frozenset())
    side = table.side()
    await side.write(ACCOUNT, creates([1, 2]))
    await side.write(ACCOUNT, [Write("c", {"name": "A", "accountid": guid(3)}, key=guid(3), create=True)])
    assert [(method, "If-Match" in headers) for method, _, headers, _ in table.batches[0]] == [("PATCH", False)] * 2
    single = table.wire.requests[-1]
    assert (single.method, single.url.path) == ("PATCH", f"/api/data/v9.2/accounts({guid(3)})")
    assert "If-Match" not in single.headers
    assert json.loads(single.content) == {"name": "A"}


async def test_a_lookup_to_a_deleted_record_does_not_look_like_a_deleted_record() -> None:
    table = Table(frozenset())
    gone = f"Entity 'Contact' With Id = {guid(77)} Does Not Exist"
    table.refused_keys[guid(1)] = refused_part(404, "0x80040217", gone)
    table.single = refusing(404, "0x80040217", gone)
    side = table.side()
    first, _ = await side.write(ACCOUNT, updates([1, 2]))
    (alone,) = await side.write(ACCOUNT, updates([1]))
    assert type(first.error) is type(alone.error) is Rejected


async def test_a_single_duplicate_is_a_conflict() -> None:
    table = Table()
    table.single = refusing(412, "0x80060892", "Entity Key violated")
    (result,) = await table.side().write(ACCOUNT, creates([1]))
    assert isinstance(result.error, Conflict)


@pytest.mark.parametrize(
    ("bulk", "kind"),
    [
        (refusing(429, "0x80072322", headers={"Retry-After": "300"}), Throttled),
        (refusing(503, ""), Transient),
        (refusing(403, "0x80040220"), Misconfigured),
    ],
)
async def test_what_concerns_no_row_is_raised_for_the_whole_call(bulk: Any, kind: type[Exception]) -> None:
    table = Table()
    table.bulk = bulk
    with pytest.raises(kind):
        await table.side(config=config(bulk_size=2)).write(ACCOUNT, updates([1, 2, 3, 4]))
    assert table.batches == []
    assert all(guid(3).encode() not in request.content for request in table.wire.requests)


async def test_what_landed_before_a_throttle_is_told() -> None:
    table = Table()
    table.bulk = lambda request: (
        refusal(429, "0x80072322", **{"Retry-After": "300"}) if guid(3).encode() in request.content else done_answer()
    )
    results = await table.side(config=config(bulk_size=2)).write(ACCOUNT, updates([1, 2, 3, 4, 5]))
    assert [type(each.error) for each in results] == [type(None), type(None), Throttled, Throttled, Throttled]
    assert all(guid(5).encode() not in request.content for request in table.wire.requests)


async def test_a_create_without_a_key_learns_it() -> None:
    table = Table()
    table.single = lambda _: httpx.Response(204, headers={"OData-EntityId": f"{API}accounts({guid(50)})"})
    side = table.side()
    (alone,) = await side.write(ACCOUNT, [Write("a", {"name": "A"}, create=True)])
    both = await side.write(ACCOUNT, [Write(ref, {"name": ref}, create=True) for ref in ("a", "b")])
    assert alone.key == guid(50)
    assert [each.key for each in both] == [guid(99), guid(99)]
    assert [(method, path) for method, path, _, _ in table.batches[0]] == [("POST", "/api/data/v9.2/accounts")] * 2


async def test_a_create_without_a_key_whose_answer_is_lost_may_have_happened() -> None:
    def hang(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow")

    side = DataverseSide(client_on(Wire(hang), config=config(bulk_size=2)))
    results = await side.write(ACCOUNT, [Write(str(n), {}, create=True) for n in range(3)])
    assert [type(each.error) for each in results] == [UnknownOutcome, UnknownOutcome, Transient]


async def test_a_create_with_a_key_whose_answer_is_lost_is_safe_to_repeat() -> None:
    answers = iter([httpx.ReadTimeout("slow")])

    def once(_: httpx.Request) -> httpx.Response:
        if error := next(answers, None):
            raise error
        return done_answer()

    wire = Wire(once)
    (result,) = await DataverseSide(client_on(wire)).write(ACCOUNT, creates([1]))
    assert result.error is None
    assert wire.paths == [f"PATCH /accounts({guid(1)})"] * 2


async def test_what_can_not_be_sent_is_refused_without_a_request() -> None:
    table = Table()
    writes = [Write("a", {}, key="C100"), Write("b", {}), Write("c", {}, key=f"{guid(1)})/x", create=True)]
    results = await table.side().write(ACCOUNT, writes)
    assert [type(each.error) for each in results] == [Rejected] * 3
    assert table.wire.requests == []


async def test_nothing_to_write_sends_nothing() -> None:
    table = Table()
    assert await table.side().write(ACCOUNT, []) == []
    assert table.wire.requests == []


# --- deletes ----------------------------------------------------------------------------------------------------------


def deletes(numbers: Sequence[int]) -> list[Write]:
    return [Write(f"d{n}", {}, key=guid(n), delete=True) for n in numbers]


async def test_one_delete_is_a_delete_without_a_body() -> None:
    table = Table()
    (result,) = await table.side().write(ACCOUNT, deletes([1]))
    assert (result.key, result.error) == (guid(1), None)
    (request,) = table.wire.requests
    assert (request.method, request.url.path) == ("DELETE", f"/api/data/v9.2/accounts({guid(1)})")
    assert request.content == b""


async def test_many_deletes_are_one_batch_without_bodies_and_ask_for_no_bulk_message() -> None:
    table = Table()
    results = await table.side().write(ACCOUNT, deletes([1, 2, 3]))
    assert [each.error for each in results] == [None] * 3
    assert [(method, path, body) for method, path, _, body in table.batches[0]] == [
        ("DELETE", f"/api/data/v9.2/accounts({guid(n)})", None) for n in (1, 2, 3)
    ]
    assert len(table.wire.requests) == 1


async def test_a_row_that_is_gone_already_is_reported_and_the_others_go() -> None:
    table = Table()
    gone = f"account With Id = {guid(2)} Does Not Exist"
    table.refused_keys[guid(2)] = refused_part(404, "0x80040217", gone)
    table.single = refusing(404, "0x80040217", f"account With Id = {guid(9)} Does Not Exist")
    first, second, third = await table.side().write(ACCOUNT, deletes([1, 2, 3]))
    (alone,) = await table.side().write(ACCOUNT, deletes([9]))
    assert (first.error, third.error) == (None, None)
    assert isinstance(second.error, NotFound)
    assert isinstance(alone.error, NotFound)


async def test_deletes_updates_and_creates_are_answered_in_the_order_asked() -> None:
    table = Table(frozenset())
    mixed = [*deletes([1]), *updates([2]), *creates([3]), *deletes([4])]
    results = await table.side().write(ACCOUNT, mixed)
    assert [(each.ref, each.error) for each in results] == [("d1", None), ("u2", None), ("c3", None), ("d4", None)]
    bodies = {request.method: request.content for request in table.wire.requests if "$batch" not in str(request.url)}
    assert b"Name" not in bodies.get("DELETE", b"")


async def test_a_delete_whose_answer_is_lost_is_sent_again() -> None:
    answers = iter([httpx.ReadTimeout("slow")])

    def once(_: httpx.Request) -> httpx.Response:
        if error := next(answers, None):
            raise error
        return done_answer()

    wire = Wire(once)
    (result,) = await DataverseSide(client_on(wire)).write(ACCOUNT, deletes([1]))
    assert result.error is None
    assert wire.paths == [f"DELETE /accounts({guid(1)})"] * 2
