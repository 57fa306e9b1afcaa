"""Opportunities in a world: laid out in Dynamics, looked up in SAP through neither of the hub's clients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from random import Random
from typing import Any

from shared.ports import SideName
from tests.trade.world import TEMPLATE, Row, Trade

OTHER = SideName.OTHER
STAGES = {"1-Qualify": 1, "2-Develop": 3, "3-Propose": 4, "4-Close": 5}
REASONS = {"4": 4, "5": 3}
SETTINGS: Mapping[str, Any] = {
    "opportunityStages": STAGES,
    "opportunityReasons": REASONS,
    "opportunityNumberColumn": "new_sapnumber",
    "opportunityStatusColumn": "new_sapstatus",
}
CUSTOMERS = 5
WON, LOST, REOPENED = ({"statecode": s, "statuscode": r} for s, r in ((1, 3), (2, 5), (0, 1)))


async def with_accounts(world: Trade) -> None:
    """Customers of any currency are marked and initialized, so that opportunities find their accounts."""
    codes = [f"C{number:05d}" for number in range(1, CUSTOMERS + 1)]
    world.sap.data_write("BusinessPartners", [{"CardCode": code, "Currency": "##"} for code in codes])
    await world.mark_customers(*codes)
    assert (await world.initialize("account")).status == "succeeded"


async def with_opportunities(world: Trade, count: int, *, seed: int = 0, **changes: Any) -> list[str]:
    """Accounts, and so many open opportunities in euro of all stages; their ids."""
    await with_accounts(world)
    random = Random(f"opportunities {seed}")
    accounts = [world.account_of(f"C{number:05d}")["accountid"] for number in range(1, CUSTOMERS + 1)]
    return world.dataverse.seed(
        "opportunity",
        [
            {
                "name": f"Opportunity {number}",
                "parentaccountid@odata.bind": f"/accounts({accounts[number % len(accounts)]})",
                "transactioncurrencyid@odata.bind": currency(world, "EUR"),
                "isrevenuesystemcalculated": False,
                "estimatedvalue": round(random.uniform(1, 90_000), 2),
                "estimatedclosedate": f"2030-{random.randint(1, 12):02d}-{random.randint(1, 28):02d}",
                "stepname": random.choice(list(STAGES)),
                "closeprobability": random.choice([None, 5, 50, 95]),
                "description": random.choice([None, "Called twice\r\nand wrote", "Likes blue"]),
                **changes,
            }
            for number in range(count)
        ],
    )


def currency(world: Trade, code: str) -> str:
    """A currency, to be bound."""
    return f"/transactioncurrencies({world.dataverse.org.currency_id(code)})"


def in_dynamics(world: Trade, key: str) -> Row:
    """An opportunity of Dynamics."""
    return next(row for row in world.dataverse.data_rows("opportunities") if row["opportunityid"] == key)


def in_sap(world: Trade, key: str) -> Row:
    """The one SAP opportunity of an opportunity of Dynamics."""
    rows = world.sap.data_rows("SalesOpportunities")
    (row,) = [each for each in rows if each.get("U_HubRef") == f"{TEMPLATE}:{key}"]
    return dict(row)


def stages_of(world: Trade, key: str) -> list[int]:
    """The stages that SAP's opportunity went through."""
    return [row["StageKey"] for row in in_sap(world, key)["SalesOpportunitiesLines"]]


def edit(world: Trade, key: str, **changes: Any) -> None:
    """What a user of Dynamics changes, or the app's buttons do."""
    world.dataverse.data_write("opportunities", [{"opportunityid": key, **changes}])


def edit_in_sap(world: Trade, key: str, **changes: Any) -> None:
    """What a user of SAP changes."""
    world.sap.data_write("SalesOpportunities", [{"SequentialNo": in_sap(world, key)["SequentialNo"], **changes}])


def assert_equal(world: Trade, *keys: str) -> None:
    """Each stands in SAP once and says what it says in Dynamics; Dynamics has SAP's number and status."""
    references = Counter(row.get("U_HubRef") for row in world.sap.data_rows("SalesOpportunities"))
    assert set(references.values()) <= {1}, "an opportunity stands in SAP twice"
    for key in keys:
        ours, theirs = in_dynamics(world, key), in_sap(world, key)
        last = theirs["SalesOpportunitiesLines"][-1]
        assert theirs["OpportunityName"] == ours["name"]
        assert str(theirs["PredictedClosingDate"])[:10] == ours["estimatedclosedate"]
        assert Decimal(str(theirs["MaxLocalTotal"])) == Decimal(str(ours["estimatedvalue"]))
        assert last["StageKey"] == STAGES[ours["stepname"]]
        if ours.get("closeprobability") is not None:
            assert last["PercentageRate"] == ours["closeprobability"]
        assert (theirs.get("Remarks") or "").splitlines() == (ours.get("description") or "").splitlines()
        assert theirs["Status"] == ("sos_Open", "sos_Sold", "sos_Missed")[ours["statecode"]]
        assert ours["new_sapnumber"] == str(theirs["SequentialNo"])
