"""The two systems as their users and their own APIs see them: what the demo edits, and what it believes.

None of the hub's code is used here, so that what the demo compares is not what the hub merely thinks it wrote.
"""

from __future__ import annotations

import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

import httpx

type Row = dict[str, Any]

ADDRESS_IDENTITY = ("BPCode", "AddressName", "AddressType", "RowNum")
_SECONDS = 30.0
_PARTNER = (
    "CardCode,CardName,CardType,GroupCode,Phone1,Phone2,Fax,EmailAddress,Website,Currency,PayTermsGrpCode,"
    "BilltoDefault,ShipToDefault,BPAddresses,U_HubRef"
)
_ACCOUNT = ",".join(
    [
        "accountid,accountnumber,name,customertypecode,telephone1,telephone2,fax,emailaddress1,websiteurl",
        "paymenttermscode,_transactioncurrencyid_value",
        *(
            f"address{number}_{part}"
            for number in (1, 2)
            for part in ("line1", "line2", "city", "postalcode", "stateorprovince", "country")
        ),
    ]
)


class _System(ABC):
    """What both have in common: a client that trusts the local authority, pages, errors with the system's own words."""

    page_size = 500

    def __init__(self, base_url: str, ca_bundle: str) -> None:
        trust = ssl.create_default_context(cafile=ca_bundle)
        self.http = httpx.AsyncClient(base_url=base_url, verify=trust, timeout=_SECONDS, trust_env=False)

    async def __aenter__(self) -> Self:
        await self.sign_in()
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.http.aclose()

    @abstractmethod
    async def sign_in(self) -> None:
        """Make the client known to the system."""

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """One request; RuntimeError with the system's answer if it refuses."""
        response = await self.http.request(method, path, json=body, headers=headers)
        if response.is_error:
            raise RuntimeError(f"{method} {path} answered {response.status_code}: {response.text[:500]}")
        return response

    async def rows(self, path: str) -> list[Row]:
        """All rows of a query, page by page; amounts are Decimal."""
        found: list[Row] = []
        next_page: str | None = path
        while next_page:
            response = await self.send("GET", next_page, Prefer=f"odata.maxpagesize={self.page_size}")
            answer = response.json(parse_float=Decimal)
            found += answer["value"]
            next_page = answer.get("@odata.nextLink")
        return found


class Sap(_System):
    """SAP Business One through its Service Layer, as somebody who edits customers there."""

    def __init__(self, sap: Mapping[str, str], ca_bundle: str) -> None:
        super().__init__(f"{sap['url']}/", ca_bundle)
        self._login = {"CompanyDB": sap["companyDb"], "UserName": sap["user"], "Password": sap["password"]}

    async def sign_in(self) -> None:
        """Log in; the session is kept in cookies."""
        await self.send("POST", "Login", self._login)

    async def customers(self, more: str = "") -> dict[str, Row]:
        """All customers by code; ``more`` narrows them."""
        scope = "CardType eq 'cCustomer'" + (f" and {more}" if more else "")
        found = await self.rows(f"BusinessPartners?$select={_PARTNER}&$filter={scope}&$orderby=CardCode")
        return {row["CardCode"]: row for row in found}

    async def customer(self, code: str) -> Row:
        """One customer."""
        row: Row = (await self.send("GET", f"BusinessPartners('{code}')")).json()
        return row

    async def edit(self, code: str, **columns: Any) -> None:
        """What a user saves in the customer's window."""
        await self.send("PATCH", f"BusinessPartners('{code}')", columns)

    async def edit_bill_to(self, code: str, **columns: Any) -> None:
        """The same for the default bill-to address; the customer's other addresses are left alone."""
        partner = await self.customer(code)
        address = next(
            row
            for row in partner["BPAddresses"]
            if row["AddressType"] == "bo_BillTo" and row["AddressName"] == partner["BilltoDefault"]
        )
        identity = {name: address[name] for name in ADDRESS_IDENTITY}
        await self.edit(code, BPAddresses=[{**identity, **columns}])

    async def user_fields(self) -> set[str]:
        """The names of the user-defined fields of business partners."""
        fields = await self.rows("UserFieldsMD?$filter=TableName eq 'OCRD'")
        return {str(field["Name"]) for field in fields}


class Dynamics(_System):
    """Dynamics 365 Sales through the Dataverse Web API, as somebody who edits accounts there."""

    def __init__(self, dataverse: Mapping[str, str], ca_bundle: str) -> None:
        super().__init__(f"{dataverse['url']}/api/data/v9.2/", ca_bundle)
        self._token_url = f"{dataverse['authority']}/{dataverse['tenant']}/oauth2/v2.0/token"
        self._grant = {
            "grant_type": "client_credentials",
            "client_id": dataverse["clientId"],
            "client_secret": dataverse["clientSecret"],
            "scope": f"{dataverse['url']}/.default",
        }

    async def sign_in(self) -> None:
        """Fetch a token; it is good for longer than the demo."""
        response = await self.http.post(self._token_url, data=self._grant)
        response.raise_for_status()
        self.http.headers["Authorization"] = f"Bearer {response.json()['access_token']}"

    async def accounts(self, where: str = "") -> dict[str, Row]:
        """All accounts by id; ``where`` narrows them."""
        query = f"accounts?$select={_ACCOUNT}" + (f"&$filter={where}" if where else "")
        return {row["accountid"]: row for row in await self.rows(query)}

    async def account(self, number: str) -> Row:
        """The one account with that number; RuntimeError if there is none, or more than one."""
        found = list((await self.accounts(f"accountnumber eq '{number}'")).values())
        if len(found) != 1:
            raise RuntimeError(f"Dynamics has {len(found)} accounts with the number {number}")
        return found[0]

    async def currencies(self) -> dict[str, str]:
        """ISO code by id."""
        rows = await self.rows("transactioncurrencies?$select=transactioncurrencyid,isocurrencycode")
        return {row["transactioncurrencyid"]: row["isocurrencycode"] for row in rows}

    async def create(self, **columns: Any) -> str:
        """What a user enters as a new account; answers its id."""
        response = await self.send("POST", "accounts", columns)
        return response.headers["OData-EntityId"].rpartition("(")[2].rstrip(")")

    async def edit(self, number: str, **columns: Any) -> None:
        """What a user saves in the form of the account with that number."""
        account = await self.account(number)
        await self.send("PATCH", f"accounts({account['accountid']})", columns, **{"If-Match": "*"})
