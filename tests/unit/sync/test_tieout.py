"""The tie-out of a day: counted on the other side and in SAP, never from what the hub remembers."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from shared.errors import BadRequest, Rejected
from shared.sync.tieout import tie_out
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.documents import Books, Receipt, Tills
from tests.unit.sync.harness import World

DAY = date(2026, 3, 2)


async def _shop(make_world: MakeWorld) -> World:
    world = await make_world(Receipt())
    world.sap, world.other = Books(world.clock, "D"), Tills(world.clock)
    return world


async def _tied(world: World) -> dict[str, Any]:
    answer = await tie_out(world.hub, "toy", "st_1", DAY)
    (one,) = answer["objects"]
    assert answer["agrees"] is one["agrees"]
    return one


async def test_a_day_that_arrived_agrees(make_world: MakeWorld) -> None:
    world = await _shop(make_world)
    world.other.put("r1", name="N", pay=["cash"], store="st_1")
    world.other.put("r2", name="N", pay=["cash", "card"], store="st_1")
    world.other.put("r3", name="N", pay=["cash"], store="st_2")
    await world.sync()
    one = await _tied(world)
    assert one["agrees"]
    assert one["other"] == one["sap"] == {"count": 2, "total": "20", "tenders": {"card": "1", "cash": "2"}}
    assert one["difference"] == {"count": 0, "total": "0", "tenders": {}}


async def test_what_is_missing_is_named_with_its_reason(make_world: MakeWorld) -> None:
    world = await _shop(make_world)
    world.other.put("r1", name="N", pay=["cash"], store="st_1")
    assert (await _tied(world))["missing"] == [{"key": "r1", "reason": "no run has read it yet; press Sync Now"}]
    world.sap.before_write = lambda write: Rejected("the period is closed")
    await world.sync()
    one = await _tied(world)
    assert not one["agrees"]
    assert one["missing"] == [{"key": "r1", "reason": "Rejected: the period is closed"}]
    assert one["difference"] == {"count": 1, "total": "10", "tenders": {"cash": "1"}}


async def test_a_tender_without_a_mapping_is_the_reason(make_world: MakeWorld) -> None:
    world = await _shop(make_world)
    world.other.put("r1", name="N", unmapped=True, store="st_1")
    (missing,) = (await _tied(world))["missing"]
    assert missing["reason"] == "a payment type has no mapping; set payments"


async def test_other_totals_other_payments_and_doubles_are_differences(make_world: MakeWorld) -> None:
    world = await _shop(make_world)
    for key in ("r1", "r2", "r3"):
        world.other.put(key, name="N", pay=["cash"], store="st_1")
    await world.sync()
    by_origin = {row["ref"]: key for key, row in world.sap.rows.items()}
    world.sap.rows[by_origin["toy:r1"]]["size"] = "9"
    world.sap.payments = [p for p in world.sap.payments if p["document"] != by_origin["toy:r2"]]  # type: ignore[attr-defined]
    world.sap.put("D9", ref="toy:r3", name="N")
    one = await _tied(world)
    assert [each["reason"] for each in one["differing"]] == [
        "the totals differ", "the payments differ: cash", "SAP holds 2 documents of it",
    ]  # fmt: skip
    assert not one["agrees"]


async def test_a_voided_receipt_counts_only_where_sap_holds_it(make_world: MakeWorld) -> None:
    world = await _shop(make_world)
    world.other.put("r1", name="N", pay=["cash"], store="st_1")
    await world.sync()
    world.other.put("r2", name="N", void=True, store="st_1")
    assert (await _tied(world))["agrees"]
    world.other.put("r1", void=True)
    (differing,) = (await _tied(world))["differing"]
    assert "voided" in differing["reason"]


async def test_a_template_without_documents_has_no_tie_out(make_world: MakeWorld) -> None:
    world = await make_world()
    with pytest.raises(BadRequest, match="no tie-out"):
        await tie_out(world.hub, "toy", "st_1", DAY)
