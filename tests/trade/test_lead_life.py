"""One lead's life in any legal order of its events, with runs of any object in between: it ends as one of each thing.

Born in Dynamics, changed on either side, qualified, its opportunity won, quoted, revised, ordered, delivered in SAP.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.ports import SideName
from tests.trade.sales import (
    COMPANY,
    PERSON,
    activate,
    add_line,
    deliver,
    new_lead,
    new_quote,
    one,
    qualify,
    quote_lines,
    revise,
    rows_of,
    sap_rows,
    win,
)
from tests.trade.test_orders import total_in_sap
from tests.trade.world import Row, Trade, open_for_business, trade

SAP, OTHER = SideName.SAP, SideName.OTHER
OBJECTS = ("lead", "account", "contact", "opportunity", "quotation", "order")
ROUNDS = 4  # after the last event, until everything that waits for something else has come
MANY = settings(
    max_examples=6,
    stateful_step_count=22,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # every example is a world of its own: to shrink one takes longer than to read it
    suppress_health_check=list(HealthCheck),
)


class LeadsLife(RuleBasedStateMachine):
    """What people do, as soon as they may, in whatever order; the hub's runs come when they come."""

    def __init__(self, azurite: str) -> None:
        super().__init__()
        self.azurite = azurite
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.world: Trade
        self.lead = self.quote = self.draft = self.order = ""
        self.revisions = 0
        self.qualified = self.won = self.delivered = False

    @initialize()
    def open(self) -> None:
        self.runner.run(self._open())

    async def _open(self) -> None:
        self.world = await self.stack.enter_async_context(trade(self.azurite, closedOpportunities=True))
        await open_for_business(self.world, customers=1, items=["I00001", "I00002"])
        for name in ("lead", "contact"):
            assert (await self.world.initialize(name)).status == "succeeded"
        self.partners = len(sap_rows(self.world, "BusinessPartners"))

    # --- the hub ------------------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(OBJECTS), mode=st.sampled_from(["delta", "delta", "full"]))
    def run(self, name: str, mode: str) -> None:
        self.runner.run(self.world.run(name, mode))

    @rule()
    def sweep(self) -> None:
        self.runner.run(self.world.settle())

    # --- Dynamics -----------------------------------------------------------------------------------------------------

    @precondition(lambda self: not self.lead)
    @rule()
    def is_born(self) -> None:
        self.lead = new_lead(self.world)

    @precondition(lambda self: self.lead and not self.qualified)
    @rule(phone=st.sampled_from(["040 1", "040 2"]))
    def is_changed_in_dynamics(self, phone: str) -> None:
        self.world.dataverse.data_write("leads", [{"leadid": self.lead, "telephone1": phone}])

    @precondition(lambda self: self.lead and not self.qualified)
    @rule()
    def is_qualified(self) -> None:
        qualify(self.world, self.lead, opportunity=True)
        self.qualified = True

    @precondition(lambda self: self.qualified and not self.won)
    @rule()
    def its_opportunity_is_won(self) -> None:
        key = one(self.world, "opportunities", _originatingleadid_value=self.lead)["opportunityid"]
        bind = {"subject": "Won", "opportunityid@odata.bind": f"/opportunities({key})"}
        self.world.dataverse.act("WinOpportunity", {"Status": 3, "OpportunityClose": bind})
        self.won = True

    @precondition(lambda self: self.qualified and not self.quote)
    @rule()
    def is_quoted(self) -> None:
        self.quote = new_quote(self.world, self.account["accountid"], {"I00001": 2, "I00002": 1})
        activate(self.world, self.quote)

    @precondition(lambda self: self.quote and not self.order and not self.draft and self.revisions < 2)
    @rule()
    def its_quote_is_revised(self) -> None:
        self.draft = revise(self.world, self.quote)
        line = quote_lines(self.world, self.draft)[0]
        quantity = 3 + self.revisions
        self.world.dataverse.data_write(
            "quotedetails", [{"quotedetailid": line["quotedetailid"], "quantity": quantity}]
        )
        if self.revisions:
            add_line(self.world, self.draft, "I00002", 5)
        self.revisions += 1

    @precondition(lambda self: self.draft)
    @rule()
    def its_revision_is_activated(self) -> None:
        activate(self.world, self.draft)
        self.quote, self.draft = self.draft, ""

    @precondition(lambda self: self.quote and not self.draft and not self.order)
    @rule()
    def its_quote_is_won_and_ordered(self) -> None:
        self.order = win(self.world, self.quote)

    # --- SAP ----------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.lead and not self.qualified and self._in_sap())
    @rule(mail=st.sampled_from(["a@example.test", "b@example.test"]))
    def is_changed_in_sap(self, mail: str) -> None:
        self.world.sap.data_write(
            "BusinessPartners", [{"CardCode": self._in_sap()[0]["CardCode"], "EmailAddress": mail}]
        )

    @precondition(lambda self: self.order and not self.delivered and self._ordered())
    @rule()
    def is_delivered(self) -> None:
        deliver(self.world, self._ordered()[0])
        self.delivered = True

    @property
    def account(self) -> Row:
        return one(self.world, "accounts", _originatingleadid_value=self.lead)

    def _in_sap(self) -> list[Row]:
        return sap_rows(self.world, "BusinessPartners", CardName=COMPANY["companyname"])

    def _ordered(self) -> list[Row]:
        return sap_rows(self.world, "Orders", U_HubRef=f"dynamics:{self.order}")

    # --- the end ------------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            if self.lead:
                self.runner.run(self._ends_as_one_of_each())
        finally:
            self.runner.run(self.stack.aclose())
            self.runner.close()

    async def _ends_as_one_of_each(self) -> None:
        """Whatever was left undone is done in the end; then there is one of each, linked, and nothing more to write."""
        await self._come_to_an_end()
        for event in self._left():
            event()
            await self._come_to_an_end()
        (partner,) = self._in_sap()
        assert (partner["CardType"], len(sap_rows(self.world, "BusinessPartners"))) == ("cCustomer", self.partners + 1)
        assert await self._twin("account", self.account["accountid"]) == partner["CardCode"]
        (person,) = partner["ContactEmployees"]
        contact = one(self.world, "contacts", emailaddress1=PERSON["emailaddress1"])
        assert await self._twin("contact", contact["contactid"]) == f"{partner['CardCode']}/{person['InternalCode']}"
        opportunity = one(self.world, "opportunities", _originatingleadid_value=self.lead)
        (deal,) = sap_rows(self.world, "SalesOpportunities")
        assert await self._twin("opportunity", opportunity["opportunityid"]) == str(deal["SequentialNo"])
        assert (deal["Status"], deal["ContactPerson"]) == ("sos_Sold", person["InternalCode"])
        (offer,) = sap_rows(self.world, "Quotations")
        assert await self._twin("quotation", self.quote) == str(offer["DocEntry"])
        (order,) = sap_rows(self.world, "Orders")
        assert await self._twin("order", self.order) == str(order["DocEntry"])
        assert {row["BaseEntry"] for row in order["DocumentLines"]} == {offer["DocEntry"]}
        assert total_in_sap(order) == total_in_sap(offer) == self.world.sales_order(self.order)["totalamount"]
        assert offer["DocumentStatus"] == "bost_Close"
        assert self.world.sales_order(self.order)["new_sapstatus"] == "delivered"
        assert len(rows_of(self.world, "accounts", name=COMPANY["companyname"])) == 1
        self.world.forget_writes()
        await self._come_to_an_end(rounds=1)
        assert self.world.writes() == {}

    def _left(self) -> list[Any]:
        """The events that did not happen, in an order in which they may."""
        left = [] if self.qualified else [self.is_qualified]
        left += [] if self.won else [self.its_opportunity_is_won]
        left += [self.its_revision_is_activated] if self.draft else []
        left += [] if self.quote else [self.is_quoted]
        left += [] if self.order else [self.its_quote_is_won_and_ordered]
        return left if self.delivered else [*left, self.is_delivered]

    async def _come_to_an_end(self, rounds: int = ROUNDS) -> None:
        for _ in range(rounds):
            for name in OBJECTS:
                await self.world.run(name)
            await self.world.settle()

    async def _twin(self, name: str, key: str) -> str:
        record = await self.world.record(name, OTHER, key)
        assert record.linked, (name, record)
        assert record.failure is None, (name, record.failure)
        return str(record.keys[SAP])


def test_a_leads_life_in_any_order_ends_as_one_of_each(azurite: str) -> None:
    run_state_machine_as_test(lambda: LeadsLife(azurite), settings=MANY)  # type: ignore[no-untyped-call]
