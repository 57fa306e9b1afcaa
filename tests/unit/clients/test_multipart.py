"""Framing of batches, byte by byte, and reading answers back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clients.multipart import Part, PartAnswer, batch_type, encode_batch, parse_batch


def test_a_batch_is_framed_as_the_guides_show_it() -> None:
    items = [
        Part("GET", "/b1s/v2/Items('i1')"),
        [Part("POST", "/b1s/v2/Items", {"Content-Type": "application/json"}, b'{"a":1}', "1")],
    ]
    assert encode_batch(items, "b1").decode().split("\r\n") == [
        "--b1",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "",
        "GET /b1s/v2/Items('i1') HTTP/1.1",
        "",
        "",
        "--b1",
        "Content-Type: multipart/mixed;boundary=cs2_b1",
        "",
        "--cs2_b1",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "Content-ID: 1",
        "",
        "POST /b1s/v2/Items HTTP/1.1",
        "Content-Type: application/json",
        "",
        '{"a":1}',
        "--cs2_b1--",
        "",
        "--b1--",
        "",
    ]
    assert batch_type("b1") == "multipart/mixed;boundary=b1"


def _answer(*lines: str) -> bytes:
    return "\r\n".join(lines).encode()


WHOLE = _answer(
    "--batchresponse_1",
    "Content-Type: multipart/mixed;boundary=changesetresponse_1",
    "",
    "--changesetresponse_1",
    "Content-Type: application/http",
    "Content-Transfer-Encoding: binary",
    "Content-ID: 1",
    "",
    "HTTP/1.1 201 Created",
    "Content-Type: application/json",
    "Location: https://h/b1s/v2/Items('i1')",
    "",
    '{"ItemName":"Müßé 😀",',
    '"x": 1.10}',
    "",
    "--changesetresponse_1--",
    "--batchresponse_1",
    "Content-Type: application/http",
    "Content-Transfer-Encoding: binary",
    "",
    "HTTP/1.1 204 No Content",
    "",
    "",
    "--batchresponse_1",
    "Content-Type: application/http",
    "Content-Transfer-Encoding: binary",
    "",
    "HTTP/1.1 400 Bad Request",
    "Content-Length: 2",
    "",
    "{}",
    "--batchresponse_1--",
    "",
)


def test_answers_come_in_order_with_change_sets_flattened() -> None:
    first, second, third = parse_batch("multipart/mixed;boundary=batchresponse_1", WHOLE)
    assert (first.status, first.content_id, first.in_change_set) == (201, "1", True)
    assert first.headers["location"] == "https://h/b1s/v2/Items('i1')"
    assert first.content.decode() == '{"ItemName":"Müßé 😀",\r\n"x": 1.10}'
    assert (second.status, second.content) == (204, b"")
    assert (third.status, third.content, third.in_change_set) == (400, b"{}", False)


def test_a_quoted_boundary_and_bare_line_feeds_are_understood() -> None:
    answers = parse_batch('multipart/mixed; boundary="batchresponse_1"', WHOLE.replace(b"\r\n", b"\n"))
    assert [each.status for each in answers] == [201, 204, 400]


@pytest.mark.parametrize("length", [10, 200, 400, len(WHOLE) - 24])
def test_an_answer_that_was_cut_off_is_refused(length: int) -> None:
    with pytest.raises(ValueError):
        parse_batch("multipart/mixed;boundary=batchresponse_1", WHOLE[:length])


def test_a_change_set_that_was_cut_off_is_refused() -> None:
    with pytest.raises(ValueError):
        parse_batch("multipart/mixed;boundary=batchresponse_1", WHOLE.replace(b"--changesetresponse_1--\r\n", b""))


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("text/html", b"<html></html>"),
        ("multipart/mixed;boundary=b", b""),
        ("multipart/mixed;boundary=b", b"--b\r\nContent-Type: application/http\r\n\r\nnot http\r\n--b--\r\n"),
        ("multipart/mixed", b"--b\r\n\r\n--b--\r\n"),
    ],
)
def test_what_is_no_batch_answer_is_refused(content_type: str, content: bytes) -> None:
    with pytest.raises(ValueError):
        parse_batch(content_type, content)


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])).filter(lambda t: t == t.strip("\r\n")), max_size=5)
)
def test_any_text_survives_in_a_part(texts: list[str]) -> None:
    parts = b"".join(
        b"--r\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"
        + b'"'
        + text.encode()
        + b'"\r\n'
        for text in texts
    )
    if texts:
        answers = parse_batch("multipart/mixed;boundary=r", parts + b"--r--\r\n")
        assert answers == [PartAnswer(200, {}, f'"{text}"'.encode()) for text in texts]
