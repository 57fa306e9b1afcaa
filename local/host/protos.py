"""Stand-ins for the gRPC messages that Microsoft's worker library is given, and our messages turned into them.

The library never imports gRPC: it takes a ``protos`` object and only creates, sets and reads attributes on its
classes. So plain attribute bags do, with the constants of the FunctionRpc contract that the library compares with.
"""

from __future__ import annotations

from email.utils import formatdate
from types import SimpleNamespace
from typing import Any

from local.host.messages import Datum, HttpCall, HttpReply, Invocation

_SAME_SITE = {1: "Lax", 2: "Strict", 3: "None"}
_KINDS = ("string", "bytes", "json", "int", "double")


class Message(SimpleNamespace):
    """An attribute bag: what it is given by keyword it has as attribute."""


class BindingInfo(Message):
    """A binding's type and direction; the numbers are the contract's."""

    undefined, string, binary, stream = 0, 1, 2, 3
    out, inout = 1, 2


class StatusResult(Message):
    """How a request ended."""

    Failure, Success, Cancelled = 0, 1, 2


class SameSite:
    """The SameSite attribute of a cookie."""

    Lax, Strict, ExplicitNone = 1, 2, 3


setattr(SameSite, "None", 0)


class RpcHttpCookie(Message):
    """A cookie of a response."""

    SameSite = SameSite


class TypedData(Message):
    """A value of one kind: exactly one attribute is set, or none."""

    def WhichOneof(self, _: str) -> str | None:
        """The kind that is set."""
        return next(iter(vars(self)), None)


class ParameterBinding(Message):
    """A named value going into or coming out of a function."""

    def WhichOneof(self, _: str) -> str:
        """Always sent by value: shared memory is not used."""
        return "data"


def _bag(name: str) -> type[Message]:
    return type(name, (Message,), {})


_BAGS = (
    "FunctionLoadResponse", "FunctionMetadataResponse", "InvocationResponse", "NullableBool", "NullableDouble",
    "NullableString", "NullableTimestamp", "RpcException", "RpcFunctionMetadata", "RpcHttp", "RpcRetryOptions",
    "Timestamp", "WorkerInitResponse", "WorkerMetadata",
)  # fmt: skip

PROTOS = SimpleNamespace(
    BindingInfo=BindingInfo,
    StatusResult=StatusResult,
    RpcHttpCookie=RpcHttpCookie,
    TypedData=TypedData,
    ParameterBinding=ParameterBinding,
    **{name: _bag(name) for name in _BAGS},
)
"""What the worker library gets as its ``protos``."""


def invocation_request(invocation: Invocation) -> SimpleNamespace:
    """Our invocation in the shape the library reads."""
    value = invocation.value
    data = _http_data(value) if isinstance(value, HttpCall) else _data(value)
    request = SimpleNamespace(
        invocation_id=invocation.id,
        function_id=invocation.function_id,
        input_data=[ParameterBinding(name=invocation.argument, data=data)],
        trigger_metadata={name: _data(datum) for name, datum in invocation.metadata.items()},
        trace_context=SimpleNamespace(
            trace_parent=invocation.trace_parent, trace_state=invocation.trace_state, attributes={}
        ),
        retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
    )
    return SimpleNamespace(request=SimpleNamespace(invocation_request=request))


def _data(datum: Datum) -> TypedData:
    return TypedData(**{datum.kind: datum.value})


def _http_data(call: HttpCall) -> TypedData:
    return TypedData(http=SimpleNamespace(**{**vars(call), "body": TypedData(bytes=call.body)}))


def values_of(response: Any) -> dict[str, Datum | HttpReply]:
    """What a function gave back, by binding name; a return value stands under ``$return``."""
    pairs = [(binding.name, binding.data) for binding in response.output_data]
    pairs.append(("$return", response.return_value))
    return {name: _value(data) for name, data in pairs if data is not None and data.WhichOneof("data") is not None}


def _value(data: TypedData) -> Datum | HttpReply:
    kind = data.WhichOneof("data")
    if kind == "http":
        return _reply(data.http)
    for known in _KINDS:
        if kind == known:
            return Datum(known, getattr(data, known))  # type: ignore[arg-type]
    raise TypeError(f"a function gave back a value of the kind {kind}, which is not emulated")


def _reply(http: Any) -> HttpReply:
    body = (
        http.body.bytes if http.body.WhichOneof("data") == "bytes" else str(vars(http.body).get("string", "")).encode()
    )
    return HttpReply(
        status=int(http.status_code),
        headers=dict(http.headers),
        cookies=[_set_cookie(cookie) for cookie in http.cookies or []],
        body=body,
    )


def _set_cookie(cookie: Any) -> str:
    parts = [f"{cookie.name}={cookie.value}"]
    for label, attribute in (("Domain", cookie.domain), ("Path", cookie.path)):
        if attribute is not None and attribute.value:
            parts.append(f"{label}={attribute.value}")
    if cookie.expires is not None:
        parts.append(f"Expires={formatdate(cookie.expires.value.seconds, usegmt=True)}")
    if cookie.max_age is not None:
        parts.append(f"Max-Age={int(cookie.max_age.value)}")
    for label, attribute in (("Secure", cookie.secure), ("HttpOnly", cookie.http_only)):
        if attribute is not None and attribute.value:
            parts.append(label)
    if cookie.same_site in _SAME_SITE:
        parts.append(f"SameSite={_SAME_SITE[cookie.same_site]}")
    return "; ".join(parts)
