"""Worlds on fresh tables."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from shared.objects.model import ObjectType
from shared.stores.tables import Tables
from tests.unit.sync.api_world import ApiWorld
from tests.unit.sync.harness import World

type MakeWorld = Callable[..., Awaitable[World]]


@pytest.fixture
async def make_world(azurite: str) -> AsyncIterator[MakeWorld]:
    opened: list[Tables] = []

    async def make(*objects: ObjectType, initialized: bool = True, **settings: Any) -> World:
        tables = Tables(azurite, prefix=f"t{uuid.uuid4().hex[:10]}")
        opened.append(tables)
        return await World(tables, *objects, **settings).begin(initialized=initialized)

    yield make
    for tables in opened:
        await tables.close()


@pytest.fixture
async def world(azurite: str) -> AsyncIterator[ApiWorld]:
    """A world with markable toys, initialized."""
    async with Tables(azurite, prefix=f"t{uuid.uuid4().hex[:10]}") as tables:
        made = ApiWorld(tables)
        await made.begin()
        yield made
