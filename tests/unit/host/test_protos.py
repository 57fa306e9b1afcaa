"""What the worker library gives back, turned into our messages by the library itself."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest
from azure_functions_runtime.bindings import meta

from local.host.messages import Datum, HttpReply, Invocation, Result, decode_from_worker, decode_to_worker, encode
from local.host.protos import PROTOS, StatusResult, values_of
from local.host.worker import result_of


def given_back(response: func.HttpResponse | str) -> Any:
    """The library's own encoding of a function's return value."""
    meta.load_binding_registry()
    value = meta.to_outgoing_proto("http", response, pytype=None, protos=PROTOS)
    return SimpleNamespace(output_data=[], return_value=value, result=StatusResult(status=StatusResult.Success))


def test_a_response_keeps_status_headers_and_bytes() -> None:
    response = func.HttpResponse(
        b"\x00\xff", status_code=202, headers={"X-A": "1"}, mimetype="application/octet-stream"
    )
    reply = values_of(given_back(response))["$return"]
    assert isinstance(reply, HttpReply)
    assert (reply.status, reply.body, reply.headers["X-A"]) == (202, b"\x00\xff", "1")


def test_a_cookie_keeps_every_attribute() -> None:
    cookie = "a=b; Path=/x; Domain=h; Max-Age=60; Expires=Wed, 13 Jan 2027 22:23:01 GMT; Secure; HttpOnly; SameSite=Lax"
    reply = values_of(given_back(func.HttpResponse(headers={"Set-Cookie": cookie})))["$return"]
    assert isinstance(reply, HttpReply)
    assert set(reply.cookies[0].split("; ")) == set(cookie.split("; "))


def test_a_plain_text_return_value_is_a_string() -> None:
    assert values_of(given_back("hi")) == {"$return": Datum("string", "hi")}


def test_a_value_of_an_unknown_kind_fails_the_invocation_only() -> None:
    response = given_back("hi")
    response.return_value = PROTOS.TypedData(stream=1)
    result = result_of("1", response)
    assert not result.ok
    assert "stream" in result.error


def test_an_exception_is_told_with_its_stack() -> None:
    exception = PROTOS.RpcException(message="ValueError: x", stack_trace="here")
    failure = SimpleNamespace(result=StatusResult(status=StatusResult.Failure, exception=exception))
    assert result_of("1", failure) == Result("1", ok=False, error="ValueError: x", stack="here")


def test_messages_survive_the_pipe() -> None:
    invocation = Invocation("1", "f", "req", Datum("bytes", b"\x00"))
    assert decode_to_worker(encode(invocation)[4:]) == invocation
    assert decode_from_worker(encode(Result("1", ok=True))[4:]) == Result("1", ok=True)
    with pytest.raises(AssertionError):
        decode_from_worker(encode(invocation)[4:])
