"""The first load without a hub: what a script of an afternoon does, with the same requests and nothing around them.

Same pages, bulk sizes and requests at once; no state, no marks, no retries, nothing checked. What the hub takes longer
than this is the price of everything it promises. None of the hub's code is used.
"""

from __future__ import annotations

import asyncio
import ssl
import time
import uuid
from collections.abc import Mapping, Sequence
from itertools import batched
from typing import Any

import httpx

type Row = dict[str, Any]

SLICE = 100
_SAP_AT_ONCE = 7  # the hub's default of 8, less the one that is kept for people
_PARTNER = (
    "CardCode,DataVersion,U_HubRef,UpdateDate,UpdateTime,CreateDate,CreateTime,CardType,GroupCode,BPBranchAssignment,"
    "CardName,Phone1,Phone2,Fax,EmailAddress,Website,Currency,BPAddresses,BilltoDefault,ShipToDefault"
)
_ADDRESS_PARTS = ("line1", "city", "postalcode", "stateorprovince", "country")
_ACCOUNT = ",".join(
    [
        "accountid,versionnumber,modifiedon,createdon,customertypecode,statecode,merged,_masterid_value,accountnumber",
        "name,telephone1,telephone2,fax,emailaddress1,websiteurl,_transactioncurrencyid_value",
        *(f"address{number}_{part}" for number in (1, 2) for part in (*_ADDRESS_PARTS, "line2")),
    ]
)
_PLAIN = {
    "CardCode": "accountnumber",
    "CardName": "name",
    "Phone1": "telephone1",
    "Phone2": "telephone2",
    "Fax": "fax",
    "EmailAddress": "emailaddress1",
    "Website": "websiteurl",
}
_STREET = {"Street": "line1", "City": "city", "ZipCode": "postalcode", "State": "stateorprovince", "Country": "country"}


class BareScript:
    """One load; ``settings`` are the hub's app settings, for addresses and credentials."""

    def __init__(self, settings: Mapping[str, str], account_type: int, at_once: int) -> None:
        self._settings, self._account_type = settings, account_type
        self._sap_slots, self._dataverse_slots = asyncio.Semaphore(_SAP_AT_ONCE), asyncio.Semaphore(at_once)
        trust = ssl.create_default_context(cafile=settings["SAP_CA_BUNDLE"])
        limits = httpx.Limits(max_connections=100)
        self._sap = httpx.AsyncClient(
            base_url=settings["SAP_BASE_URL"] + "/", verify=trust, timeout=60, trust_env=False, limits=limits
        )
        self._dataverse = httpx.AsyncClient(
            base_url=settings["DATAVERSE_URL"] + "/api/data/v9.2/",
            verify=trust, timeout=60, trust_env=False, limits=limits,
        )  # fmt: skip

    async def load(self, codes: Sequence[str], slices_at_once: int) -> float:
        """Bring these customers over; answers the seconds it took once both systems were signed in to."""
        async with self._sap, self._dataverse:
            await self._sign_in()
            began = time.monotonic()
            at_once = asyncio.Semaphore(slices_at_once)
            async with asyncio.TaskGroup() as group:
                for some in batched(codes, SLICE, strict=False):
                    group.create_task(self._slice(at_once, some))
            return time.monotonic() - began

    async def _sign_in(self) -> None:
        named = self._settings
        login = {"CompanyDB": named["SAP_COMPANY_DB"], "UserName": named["SAP_USER"], "Password": named["SAP_PASSWORD"]}
        (await self._sap.post("Login", json=login)).raise_for_status()
        grant = {
            "grant_type": "client_credentials",
            "client_id": named["DATAVERSE_CLIENT_ID"],
            "client_secret": named["DATAVERSE_CLIENT_SECRET"],
            "scope": f"{named['DATAVERSE_URL']}/.default",
        }
        url = f"{named['DATAVERSE_AUTHORITY']}/{named['DATAVERSE_TENANT_ID']}/oauth2/v2.0/token"
        answer = (await self._dataverse.post(url, data=grant)).raise_for_status()
        self._dataverse.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    async def _slice(self, at_once: asyncio.Semaphore, codes: Sequence[str]) -> None:
        async with at_once:
            where = " or ".join(f"CardCode eq '{code}'" for code in codes)
            async with self._sap_slots:
                query = {"$select": _PARTNER, "$filter": where, "$orderby": "CardCode", "$top": "1000"}
                answer = await self._sap.get(
                    "BusinessPartners", params=query, headers={"Prefer": "odata.maxpagesize=1000"}
                )
            partners: list[Row] = answer.raise_for_status().json()["value"]
            known = await self._accounts("accountnumber", codes)
            assert not known, "the script only creates"
            targets = [self._account(partner) for partner in partners]
            async with self._dataverse_slots:
                path = "accounts/Microsoft.Dynamics.CRM.UpsertMultiple"
                (await self._dataverse.post(path, json={"Targets": targets})).raise_for_status()
            back = await self._accounts("accountid", [target["accountid"] for target in targets])
            assert len(back) == len(codes)

    async def _accounts(self, column: str, values: Sequence[str]) -> list[Row]:
        listed = ",".join(f"'{value}'" for value in values)
        where = f"Microsoft.Dynamics.CRM.In(PropertyName='{column}',PropertyValues=[{listed}])"
        query = {"$select": _ACCOUNT, "$filter": where, "$orderby": "accountid"}
        async with self._dataverse_slots:
            answer = await self._dataverse.get("accounts", params=query, headers={"Prefer": "odata.maxpagesize=5000"})
        rows: list[Row] = answer.raise_for_status().json()["value"]
        return rows

    def _account(self, partner: Row) -> Row:
        account: Row = {
            "@odata.type": "Microsoft.Dynamics.CRM.account",
            "accountid": str(uuid.uuid5(uuid.NAMESPACE_URL, partner["CardCode"])),
            "customertypecode": self._account_type,
        }
        account.update({theirs: partner.get(ours) for ours, theirs in _PLAIN.items()})
        for number, kind, default in ((1, "bo_BillTo", "BilltoDefault"), (2, "bo_ShipTo", "ShipToDefault")):
            for row in partner["BPAddresses"]:
                if row["AddressType"] == kind and row["AddressName"] == partner.get(default):
                    account.update({f"address{number}_{theirs}": row.get(ours) for ours, theirs in _STREET.items()})
        return account
