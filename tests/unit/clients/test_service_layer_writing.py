"""Writing: alone, in batches, and every way in which a batch can go wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

import httpx
import pytest

from shared.clients.multipart import parse_batch
from shared.clients.service_layer import ServiceLayerClient, ServiceLayerSide
from shared.errors import Misconfigured, NotFound, Rejected, Transient, Undetermined, UnknownOutcome
from shared.ports import Write
from tests.unit.clients.service_layer_script import ORDERS, PARTNERS, Sap, config, dead_session, login, refusal


def new(name: str) -> Write:
    return Write(name, {"CardName": name}, create=True)


def edit(key: str) -> Write:
    return Write(key, {"CardName": "edited"}, key=key)


OK_EDIT = "Content-Type: multipart/mixed;boundary=cs\r\n\r\n--cs\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 1\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n\r\n--cs--"


def created(code: str) -> str:
    body = json.dumps({"@odata.context": "…", "CardCode": code, "CardName": f"{code} as stored"})
    return (
        "Content-Type: multipart/mixed;boundary=cs\r\n\r\n--cs\r\nContent-Type: application/http\r\n"
        "Content-Transfer-Encoding: binary\r\nContent-ID: 1\r\n\r\nHTTP/1.1 201 Created\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}\r\n--cs--"
    )


def failed(status: int, code: str, text: str = "no") -> str:
    body = json.dumps({"error": {"code": code, "message": text}})
    return (
        "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n\r\n{body}\r\n"
    )


def batch(*parts: str) -> httpx.Response:
    text = "".join(f"--r\r\n{part}\r\n" for part in parts) + "--r--\r\n"
    return httpx.Response(200, headers={"Content-Type": "multipart/mixed;boundary=r"}, content=text.encode())


def bodies_in(request: httpx.Request) -> list[str]:
    """Request lines of the parts of a batch that was sent."""
    return [line for line in request.content.decode().split("\r\n") if line.endswith(" HTTP/1.1")]


async def test_one_create_is_one_post_and_answers_key_and_row() -> None:
    sap = Sap(login(), httpx.Response(201, json={"@odata.context": "…", "CardCode": "C9", "CardName": "A"}))
    [result] = await sap.side.write(
        PARTNERS, [Write("r", {"CardName": "A", "CreditLimit": Decimal("1.10")}, create=True)]
    )
    assert (result.ref, result.key, result.row, result.error) == ("r", "C9", {"CardCode": "C9", "CardName": "A"}, None)
    assert sap.paths == ["POST Login", "POST BusinessPartners"]
    assert sap.requests[1].content == b'{"CardName":"A","CreditLimit":1.10}'


@pytest.mark.parametrize(
    ("location", "key"), [("/b1s/v2/BusinessPartners('C%20''9')", "C '9"), ("https://h/b1s/v2/Orders(12)", "12")]
)
async def test_a_create_without_a_body_answers_the_key_of_its_location(location: str, key: str) -> None:
    sap = Sap(login(), httpx.Response(204, headers={"Location": location}))
    [result] = await sap.side.write(PARTNERS, [new("A")])
    assert (result.key, result.row) == (key, None)


async def test_a_create_that_names_no_key_must_be_looked_up() -> None:
    [result] = await Sap(login(), httpx.Response(204)).side.write(PARTNERS, [new("A")])
    assert isinstance(result.error, UnknownOutcome)


async def test_one_update_is_one_patch() -> None:
    sap = Sap(login(), httpx.Response(204))
    [result] = await sap.side.write(PARTNERS, [edit("C/1")])
    assert (result.key, result.error) == ("C/1", None)
    assert sap.requests[1].method == "PATCH"
    assert sap.requests[1].url.raw_path == b"/b1s/v2/BusinessPartners('C%2F1')"


async def test_nothing_to_write_asks_nothing() -> None:
    assert await Sap().side.write(PARTNERS, []) == []


async def test_refusals_of_one_record_are_results() -> None:
    sap = Sap(login(), refusal(404, "-2028"), refusal(400, "-10", "Code 'C1' already assigned"), httpx.Response(502))
    [missing] = await sap.side.write(PARTNERS, [edit("C1")])
    [refused] = await sap.side.write(PARTNERS, [new("A")])
    [unknown] = await sap.side.write(PARTNERS, [new("A")])
    assert [type(each.error) for each in (missing, refused, unknown)] == [NotFound, Rejected, UnknownOutcome]


async def test_a_draft_made_by_an_approval_procedure_is_an_unknown_outcome() -> None:
    [result] = await Sap(login(), refusal(404, "-2028")).side.write(
        ORDERS, [Write("o", {"CardCode": "C1"}, create=True)]
    )
    assert isinstance(result.error, UnknownOutcome)
    assert result.error.code == "-2028"


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([refusal(403, "-6006")], Misconfigured),
        ([refusal(500, "305")] * 200, Transient),
        ([httpx.ConnectError("no")] * 200, Transient),
    ],
)
async def test_trouble_of_the_whole_system_is_raised(answers: list[httpx.Response], expected: type[Exception]) -> None:
    for writes in ([new("A")], [new("A"), new("B")]):
        with pytest.raises(expected):
            await Sap(login(), *answers).side.write(PARTNERS, writes)


async def test_many_records_are_change_sets_of_their_own_in_one_batch() -> None:
    sap = Sap(login(), batch(created("C1"), OK_EDIT, created("C3")))
    results = await sap.side.write(PARTNERS, [new("A"), edit("C'2"), new("B")])
    assert [(each.ref, each.key, each.error) for each in results] == [
        ("A", "C1", None),
        ("C'2", "C'2", None),
        ("B", "C3", None),
    ]
    assert results[0].row == {"CardCode": "C1", "CardName": "C1 as stored"}
    request = sap.requests[1]
    assert request.url.path == "/b1s/v2/$batch"
    content_type = request.headers["Content-Type"]
    assert '"' not in content_type
    assert bodies_in(request) == [
        "POST /b1s/v2/BusinessPartners HTTP/1.1",
        "PATCH /b1s/v2/BusinessPartners('C''2') HTTP/1.1",
        "POST /b1s/v2/BusinessPartners HTTP/1.1",
    ]
    text = request.content.decode()
    assert [f"Content-ID: {n}\r\n" in text for n in (1, 2, 3)] == [True] * 3
    assert text.count("multipart/mixed") == 3


async def test_boundaries_differ_from_batch_to_batch() -> None:
    sap = Sap(login(), batch(OK_EDIT, OK_EDIT), batch(OK_EDIT, OK_EDIT))
    for _ in range(2):
        await sap.side.write(PARTNERS, [edit("C1"), edit("C2")])
    assert sap.requests[1].headers["Content-Type"] != sap.requests[2].headers["Content-Type"]


async def test_batches_hold_no_more_than_their_size() -> None:
    sap = Sap(login(), batch(OK_EDIT, OK_EDIT), batch(OK_EDIT, OK_EDIT), httpx.Response(204), batch_size=2)
    results = await sap.side.write(PARTNERS, [edit(f"C{n}") for n in range(5)])
    assert [each.error for each in results] == [None] * 5
    assert sap.paths[1:] == ["POST $batch", "POST $batch", "PATCH BusinessPartners('C4')"]


async def test_what_follows_a_refused_record_is_sent_again() -> None:
    sap = Sap(
        login(), batch(created("C1"), failed(400, "-5002", "bad [OCRD.CardName] 'X'")), batch(created("C3"), OK_EDIT)
    )
    results = await sap.side.write(PARTNERS, [new("A"), new("B"), new("C"), edit("C4")])
    assert [each.key for each in results] == ["C1", None, "C3", "C4"]
    assert isinstance(results[1].error, Rejected)
    assert results[1].error.fields == ("CardName",)
    assert [len(bodies_in(each)) for each in sap.requests[1:]] == [4, 2]


async def test_every_record_may_be_refused_by_itself() -> None:
    sap = Sap(login(), batch(failed(400, "-10")), batch(failed(404, "-2028")), refusal(400, "-10"))
    results = await sap.side.write(PARTNERS, [new("A"), edit("B"), new("C")])
    assert [type(each.error) for each in results] == [Rejected, NotFound, Rejected]


@pytest.mark.parametrize(
    "lost", [httpx.ReadTimeout("slow"), httpx.Response(502, text="<html>"), httpx.Response(200, text="?")]
)
async def test_a_lost_batch_leaves_creates_unknown_and_updates_to_be_repeated(lost: httpx.Response | Exception) -> None:
    sap = Sap(login(), batch(created("C1"), created("C2")), lost, batch_size=2)
    results = await sap.side.write(PARTNERS, [new("A"), new("B"), new("C"), edit("D"), new("E"), edit("F")])
    assert [each.key for each in results[:2]] == ["C1", "C2"]
    assert [type(each.error) for each in results[2:]] == [UnknownOutcome, Transient, Transient, Transient]
    assert len(sap.requests) == 3


async def test_a_lost_batch_of_updates_is_sent_again() -> None:
    sap = Sap(login(), httpx.ReadTimeout("slow"), batch(OK_EDIT, OK_EDIT))
    results = await sap.side.write(PARTNERS, [edit("A"), edit("B")])
    assert [each.error for each in results] == [None, None]


async def test_parts_that_are_missing_without_a_failure_are_not_believed() -> None:
    sap = Sap(login(), batch(created("C1")))
    results = await sap.side.write(PARTNERS, [new("A"), new("B"), edit("C")])
    assert [type(each.error) for each in results] == [type(None), UnknownOutcome, Transient]


@pytest.mark.parametrize(("code", "unclear"), [("-1116", UnknownOutcome), ("-2028", Undetermined)])
async def test_a_record_left_unclear_does_not_keep_the_next_from_being_written(code: str, unclear: type) -> None:
    sap = Sap(login(), batch(created("C1"), failed(400, code)), batch(created("C3"), OK_EDIT))
    results = await sap.side.write(PARTNERS, [new("A"), new("B"), new("C"), edit("D")])
    assert [type(each.error) for each in results] == [type(None), unclear, type(None), type(None)]


async def test_a_system_that_turns_unwell_inside_a_batch_ends_the_sending() -> None:
    sap = Sap(login(), batch(created("C1"), failed(500, "305")))
    results = await sap.side.write(PARTNERS, [new("A"), new("B"), new("C")])
    assert [type(each.error) for each in results] == [type(None), Transient, Transient]


async def test_missing_rights_found_on_the_way_end_the_sending() -> None:
    sap = Sap(login(), batch(created("C1"), failed(403, "-6006")))
    results = await sap.side.write(PARTNERS, [new("A"), new("B"), new("C")])
    assert [type(each.error) for each in results] == [type(None), Misconfigured, Misconfigured]


async def test_a_session_that_died_before_a_batch_is_renewed() -> None:
    sap = Sap(login(1), dead_session(), login(2), batch(created("C1"), created("C2")))
    results = await sap.side.write(PARTNERS, [new("A"), new("B")])
    assert [each.key for each in results] == ["C1", "C2"]


async def test_records_that_cannot_be_sent_do_not_keep_others_from_it() -> None:
    sap = Sap(login(), batch(created("C1"), OK_EDIT))
    writes: Sequence[Write] = [
        new("A"),
        Write("no-key", {"CardName": "x"}),
        Write("bad-key", {"CardName": "x"}, key="a\0b"),
        Write("bad-value", {"CreditLimit": Decimal("NaN")}, create=True),
        edit("C2"),
    ]
    results = await sap.side.write(PARTNERS, writes)
    assert [each.ref for each in results] == [each.ref for each in writes]
    assert [type(each.error) for each in results] == [type(None), Rejected, Rejected, Rejected, type(None)]


# --- whole collections, deletes, documents ------------------------------------------------------------------------------

REPLACE = "B1S-ReplaceCollectionsOnPatch"


async def test_an_update_with_whole_collections_says_so_and_no_other_does() -> None:
    sap = Sap(login(), httpx.Response(204), httpx.Response(204), httpx.Response(201, json={"CardCode": "C9"}))
    whole = Write("C1", {"ContactEmployees": []}, key="C1", replace=True)
    for write in (whole, edit("C2"), Write("n", {"CardName": "A"}, create=True, replace=True)):
        [result] = await sap.side.write(PARTNERS, [write])
        assert result.error is None
    assert [each.headers.get(REPLACE) for each in sap.requests[1:]] == ["true", None, None]


async def test_inside_a_batch_only_the_updates_with_whole_collections_say_so() -> None:
    sap = Sap(login(), batch(OK_EDIT, OK_EDIT, created("C3")))
    whole = Write("C1", {"ContactEmployees": []}, key="C1", replace=True)
    create = Write("n", {"CardName": "A"}, create=True, replace=True)
    results = await sap.side.write(PARTNERS, [edit("C2"), whole, create])
    assert [each.error for each in results] == [None] * 3
    request = sap.requests[1]
    assert REPLACE not in request.headers
    parts = request.content.decode().split("Content-ID: ")[1:]
    assert [f"{REPLACE}: true\r\n" in part for part in parts] == [False, True, False]


async def test_nothing_is_ever_deleted_in_sap() -> None:
    sap = Sap(login(), httpx.Response(204))
    results = await sap.side.write(PARTNERS, [Write("d", {}, key="C1", delete=True), edit("C2")])
    assert isinstance(results[0].error, Rejected)
    assert results[0].error.code == "no-delete"
    assert results[1].error is None
    assert sap.paths[1:] == ["PATCH BusinessPartners('C2')"]


SLOW_ORDERS = replace(ORDERS, slow=True)


def order(name: str) -> Write:
    return Write(name, {"CardCode": name}, create=True)


async def test_documents_go_in_requests_of_their_own_a_few_at_once() -> None:
    at_once, most, paths = 0, 0, []

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal at_once, most
        if request.url.path.endswith("Login"):
            return login()
        at_once += 1
        most = max(most, at_once)
        paths.append(request.url.path)
        for _ in range(20):  # the others get their turn
            await asyncio.sleep(0)
        at_once -= 1
        return httpx.Response(201, json={"DocEntry": len(paths)})

    parts = Sap()
    client = ServiceLayerClient(
        config(), gate=parts.gate, clock=parts.time.clock, transport=httpx.MockTransport(answer)
    )
    results = await ServiceLayerSide(client).write(SLOW_ORDERS, [order(f"C{n}") for n in range(9)])
    assert [each.ref for each in results] == [f"C{n}" for n in range(9)]
    assert [each.error for each in results] == [None] * 9
    assert paths == ["/b1s/v2/Orders"] * 9
    assert most == 4


async def test_a_draft_among_documents_is_undetermined_and_keeps_no_other_back() -> None:
    answers = [httpx.Response(201, json={"DocEntry": 1}), refusal(404, "-2028"), refusal(400, "-10")]
    sap = Sap(login(), *answers, *[httpx.Response(201, json={"DocEntry": n}) for n in range(3)])
    results = await sap.side.write(SLOW_ORDERS, [order(f"C{n}") for n in range(6)])
    kinds = [type(each.error) for each in results]
    assert sorted(kind.__name__ for kind in kinds) == ["NoneType"] * 4 + ["Rejected", "Undetermined"]


async def test_after_a_document_that_found_the_system_unwell_no_further_ones_are_sent() -> None:
    sap = Sap(login(), httpx.Response(201, json={"DocEntry": 1}), *[refusal(403, "-6006")] * 3)
    results = await sap.side.write(SLOW_ORDERS, [order(f"C{n}") for n in range(7)])
    assert [type(each.error) for each in results].count(Misconfigured) == 6
    assert len(sap.requests) == 5


async def test_a_create_of_which_only_a_look_up_tells_is_undetermined_an_update_is_not_found() -> None:
    sap = Sap(login(), refusal(404, "-2028"), refusal(404, "-2028"), refusal(502, ""))
    [draft] = await sap.side.write(ORDERS, [order("C1")])
    [missing] = await sap.side.write(ORDERS, [Write("7", {"Comments": "x"}, key="7")])
    [lost] = await sap.side.write(ORDERS, [order("C1")])
    assert [type(each.error) for each in (draft, missing, lost)] == [Undetermined, NotFound, UnknownOutcome]


async def test_error_texts_of_parts_hold_no_values() -> None:
    sap = Sap(login(), batch(failed(400, "-10", "Muster GmbH is taken")), httpx.Response(204))
    results = await sap.side.write(PARTNERS, [Write("A", {"CardName": "Muster GmbH"}, create=True), edit("B")])
    assert results[0].error is not None
    assert "Muster" not in results[0].error.text


def test_the_scripted_answers_are_batches() -> None:
    build: Callable[[], httpx.Response] = lambda: batch(created("C1"), failed(400, "-10"))  # noqa: E731
    assert [each.status for each in parse_batch(build().headers["Content-Type"], build().content)] == [201, 400]
