"""What the hub left behind in storage and logs, and whether any record's data or a secret is in it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from local.demo.systems import Row
from local.environment import Environment

_COLUMNS = ("CardName", "Phone1", "Phone2", "Fax", "EmailAddress", "Website")
_COLUMNS_THERE = ("name", "telephone1", "telephone2", "fax", "emailaddress1", "websiteurl")
_ADDRESS = ("Street", "Block", "City")
_GOODS = ("ItemName", "User_Text", "description", "Comments", "NumAtCard", "ordernumber", "productdescription")
_SALES = ("companyname", "subject", "fullname", "quotenumber", "OpportunityName", "Remarks", "Notes")
_ROWS = ("ItemDescription",)
_PERSONS = ("Name", "Phone1", "MobilePhone", "E_Mail")
_SECRETS = ("SAP_PASSWORD", "DATAVERSE_CLIENT_SECRET", "HUB_FINGERPRINT_KEY", "HUB_TOKEN_KEY")
_SHORTEST = 6  # shorter ones ("Ulm") are found by chance
_PEEKED = 32


def worth_hiding(rows: Iterable[Row]) -> set[str]:
    """Names, phones, e-mails, web addresses, streets and towns; of people, goods and sales names, texts and numbers."""
    found: set[str] = set()
    for row in rows:
        found |= _texts([row], (*_COLUMNS, *_COLUMNS_THERE, *_GOODS, *_SALES))
        found |= _texts(row.get("BPAddresses") or (), _ADDRESS)
        found |= _texts(row.get("DocumentLines") or (), _ROWS)
        found |= _texts(row.get("ContactEmployees") or (), _PERSONS)
    return {value for value in found if len(value) >= _SHORTEST}


def _texts(rows: Iterable[Row], names: Iterable[str]) -> set[str]:
    """What stands there, and each line of texts of several lines: one of them alone would be a trace."""
    wanted = tuple(names)
    texts = {str(row.get(name) or "").strip() for row in rows for name in wanted}
    return {*texts, *(line.strip() for text in texts for line in text.splitlines())}


def secrets(environment: Environment) -> set[str]:
    """The app's secrets."""
    settings = environment.app_settings()
    return {settings[name] for name in _SECRETS}


async def kept(environment: Environment) -> dict[str, str]:
    """Place -> all text that is there: every table, every queue (poison queues too), every log."""
    places: dict[str, str] = {}
    async with TableServiceClient.from_connection_string(environment.storage) as tables:
        async for table in tables.list_tables():
            rows = [dict(row) async for row in tables.get_table_client(table.name).list_entities()]
            places[f"table {table.name}"] = json.dumps(rows, default=str, ensure_ascii=False)
    async with QueueServiceClient.from_connection_string(environment.storage) as queues:
        async for queue in queues.list_queues():
            messages = await queues.get_queue_client(str(queue.name)).peek_messages(max_messages=_PEEKED)
            places[f"queue {queue.name}"] = "\n".join(_readable(message) for message in messages)
    for log in environment.directory.glob("*.log"):
        places[f"log {log.name}"] = log.read_text(encoding="utf-8", errors="replace")
    return places


def _readable(message: Any) -> str:
    """A message and what its base64 says."""
    content = str(message.content)
    try:
        return content + base64.b64decode(content, validate=True).decode("utf-8", "replace")
    except ValueError:
        return content


def found(values: Iterable[str], places: Mapping[str, str]) -> list[str]:
    """What is where it must not be; a JSON text spells some characters in its own way, so both spellings count."""
    spelled = {value: {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]} for value in values}
    return sorted(
        f"{value} in {place}"
        for place, text in places.items()
        for value, ways in spelled.items()
        if any(way in text for way in ways)
    )
