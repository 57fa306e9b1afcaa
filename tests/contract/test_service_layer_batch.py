"""``$batch`` (user guide; live captures: facts section 4)."""

from __future__ import annotations

import email
from email.message import Message

import pytest

from tests.contract.service_layer_client import Client, error_of
from tests.contract.service_layer_fixtures import sap

__all__ = ["sap"]

HEAD = "Content-Type: application/http\nContent-Transfer-Encoding: binary\n"


def get(url: str) -> str:
    """A reading part."""
    return f"--b\n{HEAD}\nGET {url}\n\n\n"


def change(number: int, line: str, body: str, extra: str = "") -> str:
    """A part of a changeset."""
    content_id = f"Content-ID: {number}\n" if number else ""
    return f"--c\n{HEAD}{content_id}\n{line}\nContent-Type: application/json\n{extra}\n{body}\n"


def changeset(*changes: str) -> str:
    """A changeset."""
    return "--b\nContent-Type: multipart/mixed;boundary=c\n\n" + "".join(changes) + "--c--\n"


def parts_of(content_type: str, content: bytes) -> list[Message]:
    """The parts of a multipart answer, read by the standard library."""
    message = email.message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + content)
    payload = message.get_payload()
    assert isinstance(payload, list)
    return [part for part in payload if isinstance(part, Message)]


def status_of(part: Message) -> int:
    """The status of one application/http part."""
    assert part.get_content_type() == "application/http"
    return int(str(part.get_payload()).split()[1])


async def test_parts_are_answered_in_order_inside_200(sap: Client) -> None:
    """Section 4: any of three spellings of a URL; the outer status says nothing."""
    urls = ("Currencies('EUR')", "/b1s/v2/Currencies('USD')", f"{sap.base_url}/b1s/v2/Currencies('GBP')?$select=Code")
    response = await sap.batch("".join(get(url) for url in urls) + "--b--\n")
    assert response.status_code == 200
    parts = parts_of(response.headers["Content-Type"], response.content)
    assert [status_of(part) for part in parts] == [200, 200, 200]
    assert [code in str(part.get_payload()) for code, part in zip(("EUR", "USD", "GBP"), parts, strict=True)] == [
        True
    ] * 3


async def test_a_changeset_answers_nested_parts_with_their_ids(sap: Client) -> None:
    """Section 4; $1 names what the first request created."""
    body = changeset(
        change(1, "POST /b1s/v2/BusinessPartners", '{"CardCode":"N1"}'),
        change(2, "PATCH /b1s/v2/$1", '{"Phone1":"5"}'),
    )
    response = await sap.batch(body + "--b--\n")
    (nested,) = parts_of(response.headers["Content-Type"], response.content)
    assert nested.get_content_type() == "multipart/mixed"
    inner = [part for part in nested.get_payload() if isinstance(part, Message)]
    assert [(part["Content-ID"], status_of(part)) for part in inner] == [("1", 201), ("2", 204)]
    assert (await sap.get("BusinessPartners('N1')")).json()["Phone1"] == "5"
    assert sap.simulator.control.written == {"BusinessPartners": 2}
    assert sap.simulator.control.parts["PATCH /b1s/v2/BusinessPartners({key}) 204"] == 1


async def test_a_failed_changeset_is_rolled_back_and_answers_one_plain_part(sap: Client) -> None:
    """Section 4."""
    body = changeset(
        change(1, "POST BusinessPartners", '{"CardCode":"N1"}'),
        change(2, "PATCH BusinessPartners('C00001')", '{"Phone1":"changed"}'),
        change(3, "POST BusinessPartners", '{"CardCode":"C00002"}'),
    )
    response = await sap.batch(body + "--b--\n")
    (part,) = parts_of(response.headers["Content-Type"], response.content)
    assert status_of(part) == 400
    assert "1320000140" in str(part.get_payload())
    assert error_of(await sap.get("BusinessPartners('N1')")) == (404, "-2028")
    assert (await sap.get("BusinessPartners('C00001')/Phone1")).json()["value"] != "changed"
    assert await sap.codes("BusinessPartners?$select=CardCode&$filter=CardCode%20eq%20'N1'") == []
    assert not sap.simulator.control.written


async def test_it_stops_at_the_first_failure_and_the_rest_is_absent(sap: Client) -> None:
    """Section 4."""
    body = (
        changeset(change(1, "PATCH BusinessPartners('C00001')", '{"Phone1":"1"}'))
        + changeset(change(1, "PATCH BusinessPartners('none')", '{"Phone1":"1"}'))
        + changeset(change(1, "PATCH BusinessPartners('C00003')", '{"Phone1":"never"}'))
    )
    response = await sap.batch(body + "--b--\n")
    parts = parts_of(response.headers["Content-Type"], response.content)
    assert [part.get_content_type() for part in parts] == ["multipart/mixed", "application/http"]
    assert status_of(parts[1]) == 404
    assert (await sap.get("BusinessPartners('C00003')/Phone1")).json()["value"] != "never"


async def test_if_match_is_ignored_inside(sap: Client) -> None:
    """Section 4: SAP does not check it in parts."""
    patch = change(1, "PATCH BusinessPartners('C00001')", '{"Phone1":"1"}', 'If-Match: W/"0"\n')
    response = await sap.batch(changeset(patch) + "--b--\n")
    (nested,) = parts_of(response.headers["Content-Type"], response.content)
    assert nested.get_content_type() == "multipart/mixed"
    assert error_of(await sap.send("PATCH", "BusinessPartners('C00001')", {}, If_Match='W/"0"')) == (412, "-2039")


ONE_CHANGE = change(1, "POST BusinessPartners", '{"CardCode":"N1"}')


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (changeset(change(0, "POST BusinessPartners", '{"CardCode":"N1"}')) + "--b--\n", "244"),
        (changeset(ONE_CHANGE, change(1, "POST BusinessPartners", '{"CardCode":"N2"}')) + "--b--\n", "244"),
        (changeset(ONE_CHANGE), "-1000"),
        (f"--b\n{HEAD}\nGET Currencies\n--b--\n", "-1000"),
        (changeset(ONE_CHANGE) + "--b--\n\r", "-1000"),
        (changeset(ONE_CHANGE) + get("x\x00") + "--b--\n", "242"),
        (changeset(f"--c\n{HEAD}Content-ID: 1\n\nGET Currencies\n\n\n") + "--b--\n", "-1000"),
        ("", "-1000"),
    ],
)
async def test_a_malformed_batch_is_refused_whole(sap: Client, body: str, code: str) -> None:
    """Section 4: missing ids 244, no closing boundary, missing blank line, bare line feeds, NUL 242."""
    assert error_of(await sap.batch(body)) == (400, code)
    assert error_of(await sap.get("BusinessPartners('N1')")) == (404, "-2028")


async def test_a_reference_in_a_body_is_refused(sap: Client) -> None:
    """Section 4: only URLs may refer to an earlier request."""
    body = changeset(ONE_CHANGE, change(2, "POST BusinessPartners", '{"CardCode":"N2","FatherCard":"$1"}'))
    response = await sap.batch(body + "--b--\n")
    (part,) = parts_of(response.headers["Content-Type"], response.content)
    assert status_of(part) == 400
    assert error_of(await sap.get("BusinessPartners('N1')")) == (404, "-2028")


async def test_asking_to_go_on_crashes_the_node_with_changesets(sap: Client) -> None:
    """Section 4: odata.continue-on-error is undocumented; a 502 page came back."""
    response = await sap.batch(changeset(ONE_CHANGE) + "--b--\n", Prefer="odata.continue-on-error")
    assert (response.status_code, response.headers["Content-Type"].split(";")[0]) == (502, "text/html")
    reads = await sap.batch(
        get("Currencies('XX')") + get("Currencies('EUR')") + "--b--\n", Prefer="odata.continue-on-error"
    )
    parts = parts_of(reads.headers["Content-Type"], reads.content)
    assert [status_of(part) for part in parts] == [404, 200]


async def test_a_fault_can_strike_one_part(sap: Client) -> None:
    """Faults, number 7: one bad row in a bulk write."""
    sap.simulator.control.add_fault(
        {"match": {"part": True, "body": "C2"}, "action": {"status": 400, "body": {"error": {"code": "-10"}}}}
    )
    body = "".join(changeset(change(1, "POST BusinessPartners", f'{{"CardCode":"{code}"}}')) for code in ("C1", "C2"))
    response = await sap.batch(body + "--b--\n")
    parts = parts_of(response.headers["Content-Type"], response.content)
    assert [part.get_content_type() for part in parts] == ["multipart/mixed", "application/http"]
    assert error_of(await sap.get("BusinessPartners('C2')")) == (404, "-2028")
