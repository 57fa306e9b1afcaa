"""What all routes share: parse, call one function, shape the answer.

A handler is given what was parsed and answers a :class:`Reply`; every failure becomes a problem here, so that handlers
hold no error handling. Bodies are JSON of up to 1 MB; unknown fields and query parameters are refused by name.
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import UTC, datetime
from typing import Any

import azure.functions as func
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared import wiring
from shared.errors import HubError
from shared.sync.actor import acting
from shared.sync.hub import Hub
from shared.sync.incidents import incident
from shared.triggers.http.callers import Caller, caller_of, require
from shared.triggers.http.problems import Problem, defect, invalid, problem_of
from shared.triggers.http.roles import Role

MOST_BODY_BYTES = 1024 * 1024
# The host's own parameter: a function key in the query.
_KEY_PARAMETER = "code"


class Strict(BaseModel):
    """The base of bodies and queries: camelCase is written out in the fields' aliases, unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Nothing(Strict):
    """No body, or no query parameters."""


class Page(Strict):
    """Where a list goes on, and how much of it one answer holds."""

    continuation: str | None = Field(default=None, description="Where the page before this one ended")
    limit: int = Field(default=100, description="How many at most, 1 to 1,000")

    @property
    def size(self) -> int:
        """The limit, between 1 and 1,000."""
        return max(1, min(self.limit, 1000))


@dataclass(frozen=True)
class Call[Q: BaseModel, B: BaseModel]:
    """One request, parsed: who calls, path parameters by name, query and body as their models."""

    app: wiring.App
    caller: Caller
    path: Mapping[str, str]
    query: Q
    body: B

    @property
    def hub(self) -> Hub:
        """The engine's dependencies."""
        return self.app.hub

    @property
    def template(self) -> str:
        """The template that the path names."""
        return self.path["template"]


@dataclass(frozen=True)
class Reply:
    """An answer that is no problem."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


type Handler[Q: BaseModel, B: BaseModel] = Callable[[Call[Q, B]], Awaitable[Reply]]
type Endpoint = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]


def listed(rows: list[Any], continuation: str | None) -> Reply:
    """One page of a list."""
    return Reply({"items": rows, "continuation": continuation})


def accepted(app: wiring.App, run: str, **more: Any) -> Reply:
    """202: where to ask what became of the run, and when. Power Automate follows both by itself."""
    location = app.run_links.location(run, app.hub.now())
    return Reply({"run": run, "statusUrl": location, **more}, 202, {"Location": location, **poll_after(app)})


def poll_after(app: wiring.App) -> dict[str, str]:
    """When to ask again."""
    return {"Retry-After": str(max(1, math.ceil(app.hub.times.poll_after)))}


def may_see_values(call: Call[Any, Any]) -> bool:
    """Whether the caller may see values of records in an answer: whoever may operate the hub."""
    return call.caller.may(Role.OPERATE)


@dataclass(frozen=True)
class Operation:
    """One route as it is served: what it takes, what it answers and who may call it.

    ``role`` is None where a token will do instead; ``preview_role`` is enough where the body says ``"preview": true``.
    ``answers`` are models by status; ``refusals`` the statuses of its problems besides those that every route can answer.
    """

    name: str
    method: str
    route: str
    query: type[BaseModel]
    body: type[BaseModel]
    role: Role | None
    auth: func.AuthLevel
    doc: str
    title: str
    answers: Mapping[int, type[BaseModel]]
    refusals: tuple[int, ...]
    preview_role: Role | None = None

    @property
    def least(self) -> Role | None:
        """What a caller's role must be whatever the body says."""
        return self.role if self.preview_role is None else self.preview_role


class Routes:
    """The routes of one resource, as a blueprint of the function app; ``operations`` lists them as they are served."""

    def __init__(self) -> None:
        self.blueprint = func.Blueprint()  # type: ignore[no-untyped-call]
        self.operations: list[Operation] = []

    def on[Q: BaseModel, B: BaseModel](
        self,
        method: str,
        route: str,
        *,
        query: type[Q],
        body: type[B],
        role: Role | None,
        preview_role: Role | None = None,
        title: str,
        answers: Mapping[int, type[BaseModel]],
        refusals: tuple[int, ...] = (),
        auth: func.AuthLevel = func.AuthLevel.FUNCTION,
    ) -> Callable[[Handler[Q, B]], Handler[Q, B]]:
        """Serve a route with this handler; the function's name in Azure is the handler's."""

        def add(handler: Handler[Q, B]) -> Handler[Q, B]:
            name, doc = getattr(handler, "__name__", ""), handler.__doc__ or ""
            operation = Operation(
                name, method, route, query, body, role, auth, doc, title, answers, refusals, preview_role
            )
            self.operations.append(operation)
            endpoint = _endpoint(operation, handler, query, body)
            endpoint.__name__ = name
            endpoint.__doc__ = doc
            named = self.blueprint.function_name(name)
            routed = self.blueprint.route(route=route, methods=[method], auth_level=auth)
            named(routed(endpoint))
            return handler

        return add


def _endpoint[Q: BaseModel, B: BaseModel](
    operation: Operation, handler: Handler[Q, B], query_model: type[Q], body_model: type[B]
) -> Any:
    async def endpoint(req: func.HttpRequest) -> func.HttpResponse:
        try:
            app = wiring.current()
            # Before anything else is looked at: nothing is told to whoever may not call.
            caller = _admitted(operation, app, req.headers)
            parsed = _parsed(req, query_model, body_model)
            if isinstance(parsed, Problem):
                return parsed.response()
            query, body = parsed
            if operation.role is not None and not getattr(body, "preview", False):
                require(caller, operation.role, app.access)
            with app.answering(), acting(caller.who):
                reply = await handler(Call(app, caller, dict(req.route_params), query, body))
            return _response(reply)
        except HubError as error:
            return problem_of(error).response()
        except ValidationError as error:
            detail = "The stored settings or schedule do not fit this version of the hub; save them again."
            return invalid(error, "stored-settings", detail).response()
        except Exception as error:  # noqa: BLE001 - whatever it is: an id for the caller, the stack for the log
            return defect(incident(error, f"{operation.method} {operation.route}")).response()

    return endpoint


def _admitted(operation: Operation, app: wiring.App, headers: Mapping[str, str]) -> Caller:
    """Who calls, if he may call this at all; what goes beyond a preview is decided with its body."""
    caller = caller_of(headers, app.access, has_key=operation.auth is not func.AuthLevel.ANONYMOUS)
    if operation.least is not None:
        require(caller, operation.least, app.access)
    return caller


# --- parsing ----------------------------------------------------------------------------------------------------------


def _parsed[Q: BaseModel, B: BaseModel](
    req: func.HttpRequest, query_model: type[Q], body_model: type[B]
) -> tuple[Q, B] | Problem:
    parameters = {name: value for name, value in req.params.items() if name != _KEY_PARAMETER}
    try:
        query = query_model.model_validate(parameters)
    except ValidationError as error:
        return invalid(error, "bad-query", "The query parameters are not as this address takes them; see errors.")
    document = _document(req)
    if isinstance(document, Problem):
        return document
    try:
        return query, body_model.model_validate(document)
    except ValidationError as error:
        return invalid(error, "bad-body", "The body is not as this address takes it; see errors.")


def _document(req: func.HttpRequest) -> dict[str, Any] | Problem:
    """The body as a JSON object; an empty one is {}."""
    content = req.get_body() or b""
    if len(content) > MOST_BODY_BYTES:
        return Problem("body-too-long", 413, f"A body takes up to {MOST_BODY_BYTES} bytes; send less at a time.")
    if not content.strip():
        return {}
    kind = (req.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        return Problem("not-json", 415, "Send the body as JSON, with Content-Type: application/json.")
    try:
        document = json.loads(content, parse_constant=_refuse)
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return Problem("bad-json", 400, "The body is not valid JSON in UTF-8.")
    if not isinstance(document, dict):
        return Problem("bad-json", 400, "The body must be a JSON object: {…}.")
    return document


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


# --- answering --------------------------------------------------------------------------------------------------------


def _response(reply: Reply) -> func.HttpResponse:
    headers = {"Cache-Control": "no-store", **reply.headers}
    if reply.status == 204:
        return func.HttpResponse(status_code=204, headers=headers)
    body = json.dumps(reply.body, default=_plain, ensure_ascii=False)
    return func.HttpResponse(body, status_code=reply.status, mimetype="application/json", headers=headers)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    return str(value)
