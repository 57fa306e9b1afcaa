"""``$batch``. Web API notes §3.3."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.contract.dataverse_support import API, Dataverse, error_code, running_dataverse

PART = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"


@pytest.fixture
async def dataverse() -> AsyncIterator[Dataverse]:
    async with running_dataverse() as running:
        yield running


def request(method: str, path: str, body: Any = None, content_id: int | None = None, headers: str = "") -> str:
    head = PART + (f"Content-ID: {content_id}\r\n" if content_id else "")
    text = "" if body is None else json.dumps(body)
    return (
        f"{head}\r\n{method} {path} HTTP/1.1\r\nContent-Type: application/json; type=entry\r\n{headers}\r\n{text}\r\n"
    )


def changeset(*requests: str) -> str:
    inner = "".join(f"--changeset_1\r\n{each}" for each in requests)
    return f'Content-Type: multipart/mixed; boundary="changeset_1"\r\n\r\n{inner}--changeset_1--\r\n'


def joined(*parts: str) -> str:
    return "".join(f"--batch_1\r\n{part}" for part in parts) + "--batch_1--\r\n"


async def send(dataverse: Dataverse, text: str, prefer: str = "") -> httpx.Response:
    headers = {"Content-Type": 'multipart/mixed; boundary="batch_1"'} | ({"Prefer": prefer} if prefer else {})
    return await dataverse.send("POST", "$batch", content=text.encode(), headers=headers)


def statuses(answer: httpx.Response) -> list[int]:
    return [int(status) for status in re.findall(r"^HTTP/1\.1 (\d+)", answer.text, re.MULTILINE)]


def names(dataverse: Dataverse) -> list[str]:
    return sorted(row["name"] for row in dataverse.simulator.data_rows("accounts"))


async def test_requests_are_answered_in_order_whatever_form_their_url_has(dataverse: Dataverse) -> None:
    answer = await send(
        dataverse,
        joined(
            request("POST", f"{API}accounts", {"name": "A"}),
            request("POST", f"{dataverse.url}{API}accounts", {"name": "B"}),
            request("GET", "accounts?$select=name&$filter=name eq 'A'".replace(" ", "%20")),
        ),
    )
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("multipart/mixed; boundary=batchresponse_")
    assert statuses(answer) == [204, 204, 200]
    assert answer.text.count("OData-EntityId: ") == 2
    assert "odata.streaming=true" in answer.text
    assert '"name":"A"' in answer.text


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.removesuffix("\r\n"),
        lambda text: text.replace("\r\n", "\n"),
        lambda text: text.replace("--batch_1--", "--batch_2--"),
        lambda text: text.replace("Transfer-Encoding: binary\r\n", "Transfer-Encoding: binary\n"),
    ],
)
async def test_anything_but_strict_crlf_is_refused(dataverse: Dataverse, spoil: Any) -> None:
    answer = await send(dataverse, spoil(joined(request("POST", f"{API}accounts", {"name": "A"}))))
    assert (answer.status_code, error_code(answer)) == (400, "0x80048d19")
    assert "Stream was not readable." in answer.text
    assert names(dataverse) == []


async def test_the_first_failure_ends_a_batch_and_keeps_what_came_before(dataverse: Dataverse) -> None:
    bad = request("POST", f"{API}accounts", {"colour": "red"})
    good = [request("POST", f"{API}accounts", {"name": name}) for name in "AB"]
    answer = await send(dataverse, joined(good[0], bad, good[1]))
    assert answer.status_code == 400
    assert statuses(answer) == [400]
    assert "REQ_ID: " in answer.text
    assert names(dataverse) == ["A"]


async def test_continue_on_error_answers_every_part(dataverse: Dataverse) -> None:
    bad = request("POST", f"{API}accounts", {"colour": "red"})
    good = [request("POST", f"{API}accounts", {"name": name}) for name in "AB"]
    answer = await send(dataverse, joined(good[0], bad, good[1]), "odata.continue-on-error")
    assert answer.status_code == 200
    assert statuses(answer) == [204, 400, 204]
    assert names(dataverse) == ["A", "B"]


async def test_a_changeset_is_atomic_and_fails_as_one_part(dataverse: Dataverse) -> None:
    good = request("POST", f"{API}accounts", {"name": "A"}, 1)
    bad = request("POST", f"{API}accounts", {"colour": "red"}, 2)
    after = request("POST", f"{API}accounts", {"name": "C"})
    answer = await send(dataverse, joined(changeset(good, bad), after), "odata.continue-on-error")
    assert statuses(answer) == [400, 204]
    assert "changesetresponse_" not in answer.text
    assert names(dataverse) == ["C"]


async def test_a_changeset_answers_in_its_own_multipart_with_content_ids(dataverse: Dataverse) -> None:
    requests = [request("POST", f"{API}accounts", {"name": name}, number) for number, name in enumerate("AB", 1)]
    answer = await send(dataverse, joined(changeset(*requests)))
    assert "Content-Type: multipart/mixed; boundary=changesetresponse_" in answer.text
    assert re.findall(r"Content-ID: (\d)", answer.text) == ["1", "2"]
    assert statuses(answer) == [204, 204]


async def test_content_ids_refer_to_rows_made_before_in_the_same_changeset(dataverse: Dataverse) -> None:
    contact = request("POST", f"{API}contacts", {"lastname": "Li"}, 1)
    account = request("POST", f"{API}accounts", {"name": "A", "primarycontactid@odata.bind": "$1"}, 2)
    rename = request("PATCH", "$2", {"fax": "5"}, 3)
    answer = await send(dataverse, joined(changeset(contact, account, rename)))
    assert statuses(answer) == [204, 204, 204]
    (row,) = dataverse.simulator.data_rows("accounts")
    (made,) = dataverse.simulator.data_rows("contacts")
    assert (row["_primarycontactid_value"], row["fax"]) == (made["contactid"], "5")
    forward = await send(dataverse, joined(changeset(account, contact)))
    assert forward.status_code == 400
    assert "Content-ID Reference: '$1' does not exist in the batch context." in forward.text


async def test_a_changeset_takes_no_get_and_a_batch_no_batch(dataverse: Dataverse) -> None:
    assert (await send(dataverse, joined(changeset(request("GET", f"{API}accounts"))))).status_code == 400
    assert (await send(dataverse, joined(request("POST", f"{API}$batch", {})))).status_code == 400


async def test_a_batch_has_at_most_a_thousand_requests(dataverse: Dataverse) -> None:
    one = request("GET", f"{API}WhoAmI")
    assert (await send(dataverse, joined(*[one] * 1001))).status_code == 400
    assert (await send(dataverse, joined(*[one] * 1000))).status_code == 200


async def test_a_fault_can_strike_one_part(dataverse: Dataverse) -> None:
    body = {"error": {"code": "0x80044150", "message": "Generic SQL error."}}
    rule = {"match": {"part": True, "path": "accounts"}, "skip": 1, "times": 1, "action": {"status": 500, "body": body}}
    dataverse.simulator.control.add_fault(rule)
    parts = [request("POST", f"{API}accounts", {"name": name}) for name in "ABC"]
    answer = await send(dataverse, joined(*parts), "odata.continue-on-error")
    assert statuses(answer) == [204, 500, 204]
    assert names(dataverse) == ["A", "C"]
    stats = dataverse.simulator.control.stats()
    assert stats["parts"] == {"POST accounts 204": 2, "POST accounts 500": 1}
    assert stats["requests"] == {"POST $batch 200": 1}
