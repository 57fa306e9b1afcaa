"""After everything that can happen, storage and logs hold keys and fingerprints, and nothing of what is in a record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.ports import SideName
from tests.e2e.driver import ACCOUNT_TYPE, Driver
from tests.e2e.subjects import GOODS, open_for_business, orders_of, submit_orders
from tests.trade.world import SETTINGS

pytestmark = pytest.mark.asyncio(loop_scope="module")

_SAP_COLUMNS = ("CardName", "Phone1", "Phone2", "Fax", "Cellular", "EmailAddress", "Website", "FederalTaxID", "Notes")
_ADDRESS_COLUMNS = ("Street", "Block", "City", "ZipCode")
_CONTACT_COLUMNS = ("Name", "E_Mail", "Phone1")
_THERE = ("name", "telephone1", "telephone2", "fax", "emailaddress1", "websiteurl", "address1_line1", "address1_city",
          "address1_postalcode", "address2_line1", "address2_city")  # fmt: skip
#: What orders and items say, by the set of each side.
_TRADE_IN_SAP = {"Items": ("ItemName", "User_Text", "BarCode"), "Orders": ("Comments", "NumAtCard")}
_TRADE_THERE = {
    "products": ("name", "description"),
    "salesorders": ("description", "ordernumber"),
    "salesorderdetails": ("productdescription",),
}
# Shorter texts occur by chance in hexadecimal and times.
_SHORTEST = 5


def _personal(hub: Driver) -> set[str]:
    """Every text of every record on both sides that says something of it."""

    def found() -> Iterator[Any]:
        for partner in hub.sap.data_rows("BusinessPartners"):
            yield from (partner.get(column) for column in _SAP_COLUMNS)
            for address in partner.get("BPAddresses") or ():
                yield from (address.get(column) for column in _ADDRESS_COLUMNS)
            for contact in partner.get("ContactEmployees") or ():
                yield from (contact.get(column) for column in _CONTACT_COLUMNS)
        for account in hub.dataverse.data_rows("accounts"):
            yield from (account.get(column) for column in _THERE)
        for system, sets in ((hub.sap, _TRADE_IN_SAP), (hub.dataverse, _TRADE_THERE)):
            for name, columns in sets.items():
                yield from (row.get(column) for row in system.data_rows(name) for column in columns)
        for order in hub.sap.data_rows("Orders"):
            yield from (row.get("ItemDescription") for row in order["DocumentLines"])

    return {text for value in found() if len(text := str(value or "").strip()) >= _SHORTEST}


def _stands_in(text: str, searched: str) -> bool:
    """Whether it is there; what could be a piece of an id or a time (a postal code) must stand by itself."""
    if not re.fullmatch(r"[\da-f.:-]+", text):
        return text in searched
    return re.search(rf"(?<![\w.:-]){re.escape(text)}(?![\w-])", searched) is not None


def _secrets(hub: Driver) -> set[str]:
    settings = hub.env.app_settings()
    names = ("SAP_PASSWORD", "DATAVERSE_CLIENT_SECRET", "HUB_FINGERPRINT_KEY", "HUB_TOKEN_KEY", "HUB_ADMIN_KEY")
    return {settings[name] for name in names} | {session.id for session in hub.sap.sessions._sessions.values()}


def _logs(directory: Path) -> str:
    return "\n".join(file.read_text(errors="replace") for file in directory.glob("*.log"))


async def _everything_happens(hub: Driver) -> None:
    """A first load, edits on both sides, a birth, a refusal that quotes data, a conflict."""
    codes = [f"C{n:05d}" for n in range(1, 41)]
    await hub.mark(codes, batch="spring")
    await hub.initialize()
    hub.edit_partner(codes[0], Phone1="+49 171 5551234")
    hub.edit_account(hub.account_of(codes[1])["accountid"], emailaddress1="quoted.person@somewhere.example")
    hub.edit_partner(codes[2], Website="https://both-sides-sap.example")
    hub.edit_account(hub.account_of(codes[2])["accountid"], websiteurl="https://both-sides-there.example")
    hub.born_there(3, "Privatperson")
    await hub.sync()
    quoting = {"error": {"code": "0x80040265", "message": "Musterfrau Quotation AG, phone +49 30 9998877, is refused."}}
    hub.dataverse.control.add_fault(
        {"match": {"method": "PATCH", "path": "accounts"}, "action": {"status": 400, "body": quoting}},
        {"match": {"part": True, "method": "PATCH"}, "action": {"status": 400, "body": quoting}},
        {"match": {"path": "UpdateMultiple|UpsertMultiple"}, "action": {"status": 400, "body": quoting}},
    )
    hub.edit_partner(codes[3], CardName="Musterfrau Quotation AG", Phone1="+49 30 9998877")
    refused = await hub.sync()
    assert refused["counts"]["failed"] == 1
    hub.dataverse.control.clear_faults()
    sap_quoting = {"error": {"code": "-5002", "message": "Unruh Nochmals KG: 'Unruh Nochmals KG' is not unique"}}
    hub.sap.control.add_fault(
        {"match": {"method": "POST", "path": "BusinessPartners$"}, "action": {"status": 400, "body": sap_quoting}}
    )
    hub.dataverse.data_write("accounts", [{"name": "Unruh Nochmals KG", "customertypecode": ACCOUNT_TYPE}])
    await hub.sync()
    hub.sap.control.clear_faults()
    assert len(await hub.failures()) == 2
    await hub.env.call("POST", "/templates/dynamics/customers/marks", {"entries": "Hostile Value", "marked": True})
    await hub.api("GET", f"/explain?object=account&key={codes[3]}")


async def _trade_happens(hub: Driver) -> None:
    """Items, orders, a changed one, and two that are refused with their texts quoted: by SAP, by the hub itself."""
    await hub.api("PUT", "/settings", SETTINGS)
    assert (await hub.api("POST", "/setup"))["done"]
    hub.sap.data_write(
        "Items", [{"ItemCode": GOODS[0], "ItemName": "Geheimrezeptur Nr. 5", "User_Text": "Vertraulich!"}]
    )
    await open_for_business(hub)
    keys = submit_orders(hub, 12)
    hub.dataverse.data_write("salesorders", [{"salesorderid": keys[0], "description": "Hochzeit Familie Sonnenschein"}])
    await hub.sync(name="order")
    assert [len(orders_of(hub, key)) for key in keys] == [1] * 12
    hub.dataverse.data_write("salesorders", [{"salesorderid": keys[1], "description": "Klingeln bei Mondenschein"}])
    await hub.sync(name="order")
    assert orders_of(hub, keys[1])[0]["Comments"] == "Klingeln bei Mondenschein"
    quoting = {"error": {"code": "-5002", "message": "Nur fuer Eingeweihte: 'Nur fuer Eingeweihte' is not allowed"}}
    hub.sap.control.add_fault(
        {"match": {"method": "POST", "path": "Orders$"}, "action": {"status": 400, "body": quoting}}
    )
    refused, too_long = submit_orders(hub, 2)
    hub.dataverse.data_write("salesorders", [{"salesorderid": refused, "description": "Nur fuer Eingeweihte"}])
    write_in = "Geburtstagstorte mit sehr vielen Kerzen " * 3
    line = {"isproductoverridden": True, "productdescription": write_in, "quantity": 1, "priceperunit": 9}
    hub.dataverse.data_write("salesorderdetails", [{"salesorderid@odata.bind": f"/salesorders({too_long})", **line}])
    run = await hub.sync(name="order")
    assert run["counts"]["failed"] == 2
    hub.sap.control.clear_faults()
    for key in (refused, too_long):
        assert "needs a person" in (await hub.explain("order", key, side=SideName.OTHER))["summary"]


async def test_queues_tables_and_logs_hold_no_name_phone_mail_address_text_or_secret(hub: Driver) -> None:
    await _everything_happens(hub)
    await _trade_happens(hub)
    stored = await hub.everything_stored()
    logs = _logs(Path(hub.env.directory))
    assert "spring" in stored, "the search sees what is stored"
    assert "deliveries" in logs, "and what is logged"
    searched = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), stored + logs)
    personal = _personal(hub)
    assert len(personal) > 500
    assert {"Geheimrezeptur Nr. 5", "Hochzeit Familie Sonnenschein", "Klingeln bei Mondenschein"} <= personal
    assert {text for text in personal | _secrets(hub) if _stands_in(text, searched)} == set()
    assert "Hostile Value" not in searched
