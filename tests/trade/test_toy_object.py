"""A whole object defined here, synchronized end to end: no line of the engine, the stores or the triggers knows it.

Suppliers of SAP are accounts of the type Vendor.
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.objects.canonical import Text
from shared.objects.columns import Column
from shared.objects.dynamics.template import DYNAMICS, DynamicsTemplate
from shared.objects.fields import Field, TableObject
from shared.objects.model import Context, Direction, FieldDirection, Marking
from shared.ports import Entity, Mark, Row, SideName
from shared.sync import configure
from tests.trade.world import TEMPLATE, trade

SAP, OTHER = SideName.SAP, SideName.OTHER
VENDOR = 11


class Supplier(TableObject):
    """Both ways: out while marked, in while it is a vendor."""

    name = "supplier"
    template_type = "dynamics"
    init_order = 90
    table = (
        Field(
            "number", Text(), Column("CardCode", 15, writable=False), Column("accountnumber", 20),
            FieldDirection.CREATE_ONLY, essential=True, recognises="number",
        ),
        Field("name", Text(), Column("CardName", 100), Column("name", 160), essential=True),
        Field("phone", Text(), Column("Phone1", 20), Column("telephone1", 50)),
        Field("fax", Text(), Column("Fax", 20), Column("fax", 50), FieldDirection.OUT),
    )  # fmt: skip
    sap_entity = Entity(
        "BusinessPartners", "BusinessPartner", "CardCode", "DataVersion",
        scope="CardType eq 'cSupplier'",
        modified=("UpdateDate", "UpdateTime"),
        created=("CreateDate", "CreateTime"),
        reference="U_HubRef",
    )  # fmt: skip
    other_entity = Entity(
        "accounts", "account", "accountid", "versionnumber",
        scope=f"customertypecode eq {VENDOR}",
        modified=("modifiedon",),
        created=("createdon",),
        key_is_text=False,
    )  # fmt: skip
    further_columns: Mapping[SideName, tuple[str, ...]] = {OTHER: ("customertypecode",)}
    marking = Marking("suppliers", name_column="CardName", group_column="GroupCode")

    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        if direction is Direction.OUT:
            return "" if mark.on else "it is not marked"
        return "" if row.get("customertypecode") == VENDOR else "it is no vendor"

    def mark_on_arrival(self, row: Row, ctx: Context) -> Mark:
        return Mark(frozenset({"arrivals"}))

    def defaults(self, side: SideName, ctx: Context, hub_reference: str) -> Row:
        if side is OTHER:
            return {"customertypecode": VENDOR}
        return {"CardType": "cSupplier", "GroupCode": 101, "Series": 71, "U_HubRef": hub_reference}


class WithSuppliers(DynamicsTemplate):
    """The Dynamics template with one object more."""

    objects = (*DYNAMICS.objects, Supplier())

    def missing(self, object_name, settings):  # type: ignore[no-untyped-def]
        return [] if object_name == "supplier" else super().missing(object_name, settings)


async def test_an_object_that_is_defined_here_travels_both_ways_is_marked_explained_and_comes_to_rest(
    azurite: str,
) -> None:
    async with trade(azurite, types={"dynamics": WithSuppliers()}) as world:
        listed = [each["object"] for each in await configure.overview(world.hub, TEMPLATE)]
        assert listed == ["lead", "account", "contact", "product", "opportunity", "quotation", "order", "supplier"]
        await world.mark("suppliers", ["V00001", "V00002"], {})
        assert (await world.initialize("supplier")).counts == {"created": 2}
        born = world.dataverse.data_write("accounts", [{"name": "Born there", "customertypecode": VENDOR}])[0]
        world.sap.data_write("BusinessPartners", [{"CardCode": "V00001", "Phone1": "+49 1"}])
        world.dataverse.data_write(
            "accounts", [{"accountid": world.account_of("V00002")["accountid"], "name": "New name"}]
        )
        run = await world.run("supplier")
        assert run.status == "succeeded", run
        assert world.account_of("V00001")["telephone1"] == "+49 1"
        (arrived,) = [
            row
            for row in world.sap.data_rows("BusinessPartners")
            if row.get("U_HubRef", "").endswith(born["accountid"])
        ]
        assert (arrived["CardName"], arrived["CardType"]) == ("Born there", "cSupplier")
        partners = {row["CardCode"]: row for row in world.sap.data_rows("BusinessPartners")}
        assert partners["V00002"]["CardName"] == "New name"
        world.forget_writes()
        for mode in ("delta", "full") * 3:
            await world.run("supplier", mode)
        assert world.writes() == {}
        told = await world.explain("supplier", SAP, "V00003")
        assert "not marked" in told["summary"]
