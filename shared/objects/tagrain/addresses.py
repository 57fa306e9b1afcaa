"""The one address of a customer of Tagrain, a property with five parts; in SAP it is the bill-to address."""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.objects.addresses import BILL_TO, AddressPart
from shared.objects.canonical import Text
from shared.objects.columns import Accessor, Draft, Mapped, column_of, fitting
from shared.objects.fields import Field
from shared.objects.model import Context
from shared.objects.regions import Country, CountryText, SapState, StateText
from shared.ports import Mark, Row, Value

ADDRESS = "address"
PARTS = ("street", "city", "state", "zip", "country")


@dataclass(frozen=True)
class TagrainAddress(Accessor):
    """One part of the address. Parts written together make one address, which is always sent whole."""

    part: str
    length: int
    columns = (ADDRESS,)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The part; a customer without an address has an empty one."""
        address = column_of(row, ADDRESS)
        return None if address is None else column_of(address, self.part)

    def write(self, value: Value, draft: Draft) -> None:
        """Set the part in the customer's address as it is now; no address comes into being for an empty part."""
        value = fitting(value, f"the address's {self.part}", length=self.length)
        present = draft.body.get(ADDRESS) or (draft.current or {}).get(ADDRESS)
        if present is None and value is None:
            return
        draft.body[ADDRESS] = {**dict.fromkeys(PARTS), **(present or {}), self.part: value}


def address_fields() -> tuple[Field, ...]:
    """The rows of the address; the state precedes the country."""
    sap_country, sap_state = AddressPart(BILL_TO, "Country", 3), AddressPart(BILL_TO, "State", 3)
    country = Mapped(TagrainAddress("country", 80), CountryText())
    state = TagrainAddress("state", 80)
    return (
        Field("street", Text(), AddressPart(BILL_TO, "Street", 100), TagrainAddress("street", 200)),
        Field("city", Text(), AddressPart(BILL_TO, "City", 100), TagrainAddress("city", 100)),
        Field("zip", Text(), AddressPart(BILL_TO, "ZipCode", 20), TagrainAddress("zip", 20)),
        Field("state", Text(), SapState(sap_state, sap_country, "country"), StateText(state, country, "country")),
        Field("country", Text(), Country(sap_country, sap_state, "state"), Country(country, state, "state")),
    )
