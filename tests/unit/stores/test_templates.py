"""Templates: created once, saved by who read them last."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.errors import BadRequest, LostRace
from shared.stores.tables import Tables
from shared.stores.templates import TemplateRow, Templates

ROW = TemplateRow(
    "dynamics", "dynamics", {"accountTypes": {"a": ["1", "é"]}, "n": 1}, datetime(2026, 11, 21, tzinfo=UTC)
)


async def test_a_template_comes_back_as_it_was_created(tables: Tables) -> None:
    store = Templates(tables)
    assert await store.get("dynamics") is None
    created = await store.create(ROW)
    read = await store.get("dynamics")
    assert read == ROW
    assert read.etag == created.etag != ""


async def test_templates_are_listed_by_id(tables: Tables) -> None:
    store = Templates(tables)
    assert await store.list() == []
    for name in ("tagrain-pune", "dynamics", "tagrain"):
        await store.create(replace(ROW, id=name))
    assert [one.id for one in await store.list()] == ["dynamics", "tagrain", "tagrain-pune"]


async def test_an_id_is_given_once(tables: Tables) -> None:
    store = Templates(tables)
    await store.create(ROW)
    with pytest.raises(LostRace):
        await store.create(ROW)


async def test_of_two_who_read_a_template_the_second_to_save_loses(tables: Tables) -> None:
    store = Templates(tables)
    created = await store.create(ROW)
    saved = await store.save(replace(created, settings={"n": 2}))
    with pytest.raises(LostRace):
        await store.save(replace(created, settings={"n": 3}))
    assert (await store.save(replace(saved, settings={"n": 4}))).settings == {"n": 4}
    read = await store.get("dynamics")
    assert read is not None
    assert read.settings == {"n": 4}


@pytest.mark.parametrize("name", ["", "Dynamics", "1st", "a_b", "a/b", "a" * 32, "é", "a\n"])
async def test_an_id_that_is_not_allowed_is_refused_and_never_found(tables: Tables, name: str) -> None:
    with pytest.raises(BadRequest):
        await Templates(tables).create(replace(ROW, id=name))
    assert await Templates(tables).get(name) is None


async def test_settings_that_do_not_fit_are_refused_with_their_size(tables: Tables) -> None:
    with pytest.raises(BadRequest, match="40") as refused:
        await Templates(tables).create(replace(ROW, settings={"x": "y" * 40_000}))
    assert refused.value.status == 413


async def test_a_template_that_was_never_read_is_not_saved_over_another(tables: Tables) -> None:
    with pytest.raises(ValueError, match="read"):
        await Templates(tables).save(ROW)
