"""The route that describes the API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from shared.triggers.http.answers.base import Document
from shared.triggers.http.calls import Call, Nothing, Operation, Reply, Routes
from shared.triggers.http.openapi import document
from shared.triggers.http.roles import Role


def describing(operations: Callable[[], Sequence[Operation]]) -> Routes:
    """The routes of this module, for those operations: it describes itself too, so they are asked for when all are known."""
    routes = Routes()

    @cache
    def described(base_url: str) -> dict[str, Any]:
        return document(operations(), base_url)

    @routes.on(
        "GET",
        "openapi.json",
        query=Nothing,
        body=Nothing,
        role=Role.READ,
        title="Describe the API",
        answers={200: Document},
    )
    async def openapi(call: Call[Nothing, Nothing]) -> Reply:
        """This API in OpenAPI 3.1: every operation with its parameters, answers, problems and role."""
        return Reply(described(call.app.run_links.base_url))

    return routes
