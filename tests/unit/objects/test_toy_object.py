"""An object is a table: a toy with two rows works in full, and a third field is a third row."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shared.objects.canonical import Amount, Text, Truth
from shared.objects.columns import Column, YesNo
from shared.objects.fields import Field, TableObject
from shared.objects.model import Context, Direction, ObjectType
from shared.objects.settings import TemplateSettings
from shared.ports import Entity, Mark, Row, SideName

SAP, OTHER = SideName.SAP, SideName.OTHER
CTX = Context("toys", TemplateSettings())


class Toy(TableObject):
    name = "toy"
    template_type = "toys"
    table = (
        Field("code", Text(), Column("Code", 8, writable=False), Column("code", 8), recognises="number"),
        Field("price", Amount(), Column("Price", places=2), Column("price", places=4)),
    )
    sap_entity = Entity("Toys", "Toy", "Code", version="Version", created=("CreateDate",))
    other_entity = Entity("toys", "toy", "id", created=("made", "at"))

    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        return ""

    def mark_on_arrival(self, row: Row, ctx: Context) -> Mark:
        return Mark()


class ToyWithOneRowMore(Toy):
    table = (*Toy.table, Field("sold_out", Truth(), YesNo("SoldOut"), Column("soldout")))


def test_two_rows_are_an_object():
    toy: ObjectType = Toy()
    assert toy.entity(SAP, CTX).select == ("Code", "Version", "CreateDate", "Price")
    assert [field.name for field in toy.fields(CTX)] == ["code", "price"]
    assert toy.read(SAP, {"Code": "T1", "Price": Decimal("1.50")}, Mark(), CTX).values == {
        "code": "T1",
        "price": Decimal("1.5"),
    }
    assert toy.write(OTHER, {"code": "T1", "price": Decimal("1.5")}, None, CTX).body == {
        "code": "T1",
        "price": Decimal("1.5"),
    }
    assert [(m.sap_column, m.other_column) for m in toy.matches(CTX)] == [("Code", "code")]
    assert toy.birth(SAP, {"CreateDate": "2024-01-01T00:00:00Z"}) == "2024-01-01"
    assert toy.birth(OTHER, {"made": "2024-01-01", "at": "10:00"}) == "2024-01-01T10:00"
    assert toy.directions(CTX) == (Direction.IN, Direction.OUT)


def test_a_third_field_is_a_third_row():
    toy = ToyWithOneRowMore()
    assert "SoldOut" in toy.entity(SAP, CTX).select
    row = {"Code": "T1", "Price": None, "SoldOut": "tYES"}
    assert toy.read(SAP, row, Mark(), CTX).values["sold_out"] is True
    assert toy.write(SAP, {"sold_out": False}, row, CTX).body == {"SoldOut": "tNO"}
    assert toy.write(OTHER, {"sold_out": True}, {}, CTX).body == {"soldout": True}


def test_a_price_finer_than_a_side_holds_is_held_not_rounded():
    price = {"price": Decimal("0.125")}
    assert "2 decimal places" in Toy().write(SAP, price, {}, CTX).held["price"]
    assert Toy().write(OTHER, price, {}, CTX).body == {"price": Decimal("0.125")}


def test_an_unknown_spelling_of_yes_is_held():
    reading = ToyWithOneRowMore().read(SAP, {"Code": "T1", "Price": None, "SoldOut": "tMAYBE"}, Mark(), CTX)
    assert set(reading.held) == {"sold_out"}


def test_a_field_that_no_plain_column_holds_cannot_be_chosen_for_matching():
    class Wrong(Toy):
        table = (Field("sold_out", Truth(), YesNo("SoldOut"), Column("soldout"), recognises="number"),)

    with pytest.raises(TypeError, match="sold_out"):
        Wrong().matches(CTX)
