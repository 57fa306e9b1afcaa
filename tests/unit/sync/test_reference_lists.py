"""Reference lists: loaded once for all who need them, and one slow system keeps only its own template waiting."""

from __future__ import annotations

import asyncio

from shared.objects.model import Reference
from shared.ports import Entity, Row
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.harness import OTHER, SAP, FakeSystem

COUNTRIES = Reference("countries", SAP, Entity("countries", "country", "key"))


class Listing(FakeSystem):
    """Answers its list once it is let."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.open, self.asked = asyncio.Event(), asyncio.Event()

    async def listing(self, entity: Entity) -> list[Row]:
        self._call("listing")
        self.asked.set()
        await self.open.wait()
        return [{"key": "DE"}]


async def test_a_system_that_does_not_answer_keeps_no_other_template_waiting(make_world: MakeWorld) -> None:
    world = await make_world()
    slow, well = Listing(world.clock), Listing(world.clock)
    well.open.set()
    waiting = asyncio.create_task(world.hub.lists("slow", {SAP: slow, OTHER: slow}, [COUNTRIES]))
    await slow.asked.wait()
    answer = asyncio.create_task(world.hub.lists("well", {SAP: well, OTHER: well}, [COUNTRIES]))
    done, _ = await asyncio.wait({answer}, timeout=5)
    slow.open.set()
    await waiting
    assert done
    assert (await answer)["countries"] == [{"key": "DE"}]


async def test_a_list_that_many_need_at_once_is_read_once(make_world: MakeWorld) -> None:
    world = await make_world()
    system = Listing(world.clock)
    system.open.set()
    await asyncio.gather(*(world.hub.lists("toy", {SAP: system, OTHER: system}, [COUNTRIES]) for _ in range(5)))
    assert system.calls == ["listing"]
