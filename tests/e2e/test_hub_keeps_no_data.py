"""After everything that can happen, storage and logs hold keys and fingerprints, and nothing of what is in a record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.driver import ACCOUNT_TYPE, Driver

pytestmark = pytest.mark.asyncio(loop_scope="module")

_SAP_COLUMNS = ("CardName", "Phone1", "Phone2", "Fax", "Cellular", "EmailAddress", "Website", "FederalTaxID", "Notes")
_ADDRESS_COLUMNS = ("Street", "Block", "City", "ZipCode")
_CONTACT_COLUMNS = ("Name", "E_Mail", "Phone1")
_THERE = ("name", "telephone1", "telephone2", "fax", "emailaddress1", "websiteurl", "address1_line1", "address1_city",
          "address1_postalcode", "address2_line1", "address2_city")  # fmt: skip
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

    return {text for value in found() if len(text := str(value or "").strip()) >= _SHORTEST}


def _stands_in(text: str, searched: str) -> bool:
    """Whether it is there; a postal code of digits alone must stand by itself, since keys and times hold any digits."""
    if not text.isdecimal():
        return text in searched
    return re.search(rf"(?<![\w.:-]){text}(?!\w)", searched) is not None


def _secrets(hub: Driver) -> set[str]:
    settings = hub.env.app_settings()
    names = ("SAP_PASSWORD", "DATAVERSE_CLIENT_SECRET", "HUB_FINGERPRINT_KEY", "HUB_TOKEN_KEY")
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


async def test_queues_tables_and_logs_hold_no_name_phone_mail_address_or_secret(hub: Driver) -> None:
    await _everything_happens(hub)
    stored = await hub.everything_stored()
    logs = _logs(Path(hub.env.directory))
    assert "spring" in stored, "the search sees what is stored"
    assert "deliveries" in logs, "and what is logged"
    searched = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), stored + logs)
    personal = _personal(hub)
    assert len(personal) > 500
    assert {text for text in personal | _secrets(hub) if _stands_in(text, searched)} == set()
    assert "Hostile Value" not in searched
