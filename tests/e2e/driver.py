"""Drives a running hub as an admin does, through its API, and looks into its storage as nobody else may."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from local.environment import Environment
from shared.errors import LostRace
from shared.ports import SideName
from shared.stores.queues import QUEUES, Queues, poison
from shared.stores.records import Record, Records, from_row, partition
from shared.stores.runs import ObjectState, Runs
from shared.stores.tables import Tables
from tests.faults.proxy import StorageProxy

type Row = Mapping[str, Any]

ACCOUNT_TYPE = 3
SETTINGS: Mapping[str, Any] = {"accountTypes": [ACCOUNT_TYPE], "defaultCustomerGroup": 100, "customerCodeSeries": 70}
OBJECTS = ("lead", "account", "contact", "product", "opportunity", "quotation", "order")

#: Shorter still than those of a person at a machine, in the same order of size: a request, then the platform's next
#: try, then claims and leases, then the sweeper.
QUICK_TIMES: Mapping[str, float] = {
    "connect": 1,
    "read": 2.5,
    "write_read": 2.5,
    "request_budget": 2,
    "claim_expiry": 4,
    "gate_lease": 5,
    "gate_wait": 7,  # longer than the lease: what a killed host held comes back while others wait
    "slice_overdue": 8,
    "run_heartbeat": 0.5,
    "run_silent": 6,
    "retry_base": 0.5,
    "retry_cap": 2,
    "overlap": 2,
    "approval_look": 1,
}
QUICK_HOST: Mapping[str, str] = {
    "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:01",
    "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.5",
    "SWEEPER_TICK": "* * * * * *",
    # What a killed host held comes back after this, not after Azure's ten minutes.
    "LOCAL_HOST_MESSAGE_LOCK_SECONDS": "6",
    "LOCAL_HOST_TIMER_LEASE_SECONDS": "3",
}

#: What a mark carries besides its code.
_ATTRIBUTES: Mapping[str, Mapping[str, Any]] = {"customers": {"accountType": ACCOUNT_TYPE}, "items": {}, "leads": {}}
#: (column in SAP, column in Dynamics): what an account shows of a customer.
_PLAIN = (
    ("CardCode", "accountnumber"),
    ("CardName", "name"),
    ("Phone1", "telephone1"),
    ("Phone2", "telephone2"),
    ("Fax", "fax"),
    ("EmailAddress", "emailaddress1"),
    ("Website", "websiteurl"),
)
_ADDRESS = (("Street", "line1"), ("Block", "line2"), ("City", "city"), ("ZipCode", "postalcode"))
_KINDS = (("bo_BillTo", "BilltoDefault", "address1"), ("bo_ShipTo", "ShipToDefault", "address2"))


async def until[T](
    condition: Callable[[], Awaitable[T]], what: str, *, seconds: float = 60, log: Callable[[], str] = str
) -> T:
    """What the condition gives once that is true; AssertionError after the deadline."""
    deadline = time.monotonic() + seconds
    while not (value := await condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}\n{log()}"
        await asyncio.sleep(0.05)
    return value


class FaultyEnvironment(Environment):
    """An environment whose hosts reach storage through a proxy that can be told to misbehave."""

    proxy: StorageProxy | None = None

    async def add_host(self, *arguments: Any, **named: Any) -> Any:
        """One more host; the first one brings the proxy."""
        if self.proxy is None:
            assert self.azurite is not None
            self.proxy = await StorageProxy(self.azurite.ports).__aenter__()
        return await super().add_host(*arguments, **named)

    @property
    def storage(self) -> str:
        """The account behind the proxy."""
        assert self.proxy is not None
        return self.proxy.connection_string

    async def stop(self) -> None:
        """Stop all, the proxy last."""
        await super().stop()
        if self.proxy is not None:
            await self.proxy.__aexit__()
            self.proxy = None


class Driver:
    """One template of a running hub, and both systems."""

    def __init__(self, env: Environment, template: str = "dynamics") -> None:
        self.env, self.template = env, template
        self.sap, self.dataverse = env.simulators.sap, env.simulators.dataverse
        assert env.azurite is not None
        self.connection = env.azurite.connection_string
        self._tables = Tables(self.connection)
        self.records, self.runs = Records(self._tables), Runs(self._tables)
        self.queues = Queues(self.connection)
        self._numbers: Counter[str] = Counter()
        self.unrest = ""

    def next_number(self, what: str, first: int = 0) -> int:
        """Numbers from the first on, each given once in the life of this driver."""
        self._numbers[what] += 1
        return first + self._numbers[what] - 1

    async def close(self) -> None:
        """Give back the connections."""
        await self._tables.close()
        await self.queues.close()

    # --- as an admin --------------------------------------------------------------------------------------------------

    async def api(self, method: str, path: str, body: Any = None, *, expect: int | None = None, host: int = 0) -> Any:
        """Call the API below this template."""
        return await self.env.api(method, f"/templates/{self.template}{path}", body, expect=expect, host=host)

    async def set_up(self, **settings: Any) -> None:
        """Make the template, save its settings, let set-up create what it needs."""
        await self.env.api("POST", "/templates", {"id": self.template, "type": "dynamics"}, expect=201)
        await self.api("PUT", "/settings", {**SETTINGS, **settings})
        steps = await self.api("POST", "/setup")
        assert steps["done"], steps

    async def mark(self, codes: Iterable[str], *, noun: str = "customers", batch: str | None = None) -> None:
        """Mark customers, or what else the noun says, by their codes."""
        entries = [{"code": code, **_ATTRIBUTES[noun]} for code in codes]
        body = {"marked": True, "entries": entries, **({"batch": batch} if batch else {})}
        answer = await self.api("POST", f"/{noun}/marks", body)
        assert set(answer["counts"]) <= {"marked", "already"}, answer

    async def mark_range(self, low: str, high: str, *, noun: str = "customers", **groups: int) -> dict[str, Any]:
        """Mark all of a range (``groupFrom``, ``groupTo`` narrow it), by a run of its own."""
        criteria = {"from": low, "to": high, **groups, **_ATTRIBUTES[noun]}
        answer = await self.api("POST", f"/{noun}/marks", {"marked": True, "criteria": criteria}, expect=202)
        return await self.run_to_end(answer)

    async def start(
        self, mode: str = "delta", keys: Sequence[Any] = (), *, name: str = "account", host: int = 0
    ) -> dict[str, Any]:
        """Sync Now of the object of that name; the answer of the 202."""
        body = {"mode": mode, **({"keys": list(keys)} if keys else {})}
        return dict(await self.api("POST", f"/objects/{name}/sync", body, expect=202, host=host))

    async def initialize(self, name: str = "account") -> dict[str, Any]:
        """The first load, to its end."""
        return await self.run_to_end(await self.api("POST", f"/objects/{name}/initialize", expect=202))

    async def sync(self, mode: str = "delta", *, name: str = "account", seconds: float = 90) -> dict[str, Any]:
        """Sync Now, to its end."""
        return await self.run_to_end(await self.start(mode, name=name), seconds=seconds)

    async def run_to_end(self, answer: Mapping[str, Any], *, seconds: float = 90) -> dict[str, Any]:
        """Follow a run's status link to its end; a hub that is away meanwhile is asked again."""

        async def over() -> dict[str, Any]:
            try:
                status, run, _ = await self.env.call("GET", str(answer["statusUrl"]))
            except aiohttp.ClientError:
                return {}
            assert status in (200, 202) or status >= 500, run
            return dict(run) if status == 200 else {}

        return await until(over, f"the end of {answer}", seconds=seconds, log=self.log)

    async def failures(self) -> list[dict[str, Any]]:
        """What is listed for a person."""
        return list((await self.api("GET", "/failures"))["items"])

    async def is_linked(self, name: str, sap_key: str, other_key: str) -> None:
        """Assert that the two records are linked."""
        (link,) = (await self.api("GET", f"/links?object={name}&key={sap_key}"))["items"]
        assert other_key in str(link)

    async def explain(self, name: str, key: str, *, side: SideName = SideName.SAP) -> dict[str, Any]:
        """Why a record did or did not travel."""
        return dict(await self.api("GET", f"/explain?object={name}&side={side.value}&key={key}"))

    # --- in storage ---------------------------------------------------------------------------------------------------

    async def state(self, name: str = "account") -> ObjectState:
        """What the hub knows of the object."""
        return await self.runs.object(self.template, name)

    async def pretend_the_last_start_was(self, ago: timedelta, *, name: str = "account") -> None:
        """As if the app had been down since then."""

        async def saved() -> bool:
            state = await self.state(name)
            state.last_start = state.last_sweep = datetime.now(UTC) - ago
            try:
                await self.runs.save_object(state)
            except LostRace:
                return False
            return True

        await until(saved, "the object's state")

    async def rows(self, prefix: str, name: str = "account") -> list[dict[str, Any]]:
        """Raw rows of the records' table under a prefix."""
        return [row async for row in self.records.rows(partition(self.template, name), prefix)]

    async def all_records(self, name: str = "account") -> list[Record]:
        """Every record of the object."""
        return [from_row(row) for row in await self.rows("r:", name)]

    async def is_at_rest(self) -> bool:
        """Of no object a run at work or waiting, nothing due, no claim; no message."""
        self.unrest = await self._unrest()
        return not self.unrest

    async def _unrest(self) -> str:
        """What is not at rest, "" if all is."""
        for queue in QUEUES:
            if count := await self.queues.count(queue):
                return f"{count} messages in {queue}"
        for name in OBJECTS:
            state = await self.state(name)
            if state.active is not None or state.follow_up is not None:
                return f"{name}: run {state.active}, to follow {state.follow_up}"
            if due := await self.rows("d:", name):
                return f"{name}: due {[row['RowKey'] for row in due]}"
            if claimed := [record for record in await self.all_records(name) if record.claim]:
                return f"{name}: claimed {claimed}"
        return ""

    async def at_rest(self, *, seconds: float = 90) -> None:
        """Wait until it is."""
        await until(
            self.is_at_rest,
            f"{self.template} to come to rest",
            seconds=seconds,
            log=lambda: f"{self.unrest}\n{self.log()}",
        )

    async def poisoned(self) -> dict[str, int]:
        """How many messages lie in the poison queues, and how many oddities are listed: both mean a defect."""
        counts = {poison(queue): await self.queues.count(poison(queue)) for queue in QUEUES}
        health = await self.env.api("GET", "/health", host=len(self.env.hosts) - 1)
        return {name: n for name, n in {**counts, "oddities": len(health["oddities"])}.items() if n}

    @asynccontextmanager
    async def raw_queues(self) -> AsyncIterator[QueueServiceClient]:
        """Queues as a stranger would use them."""
        async with QueueServiceClient.from_connection_string(self.connection) as service:
            yield service

    async def everything_stored(self) -> str:
        """All rows of all tables and all messages of all queues, as one text."""
        parts: list[str] = []
        async with TableServiceClient.from_connection_string(self.connection) as service:
            async for table in service.list_tables():
                client = service.get_table_client(table.name)
                parts += [f"{table.name} {dict(row)}" async for row in client.list_entities()]
        async with QueueServiceClient.from_connection_string(self.connection) as queues:
            async for queue in queues.list_queues():
                with_messages = queues.get_queue_client(queue.name)
                try:
                    parts += [f"{queue.name} {m.content}" for m in await with_messages.peek_messages(32)]
                except ResourceNotFoundError:
                    continue
        return "\n".join(parts)

    def log(self) -> str:
        """The end of every host's log."""
        files = sorted(Path(self.env.directory).glob("host-*.log"))
        return "\n".join(file.read_text(errors="replace")[-3000:] for file in files)

    # --- in both systems ----------------------------------------------------------------------------------------------

    def partner(self, code: str) -> Row:
        """A customer of SAP."""
        return next(row for row in self.sap.data_rows("BusinessPartners") if row["CardCode"] == code)

    def accounts(self, **having: Any) -> list[Row]:
        """Accounts of Dynamics with these values."""
        rows = self.dataverse.data_rows("accounts")
        return [row for row in rows if all(row.get(name) == value for name, value in having.items())]

    def account_count(self) -> int:
        """How many accounts there are; cheap."""
        return len(self.dataverse.store.rows("account").by_id)

    def account_of(self, code: str) -> Row:
        """The one account of a customer."""
        found = self.accounts(accountnumber=code)
        assert len(found) == 1, f"{code} has {len(found)} accounts"
        return found[0]

    def born_there(self, count: int, word: str) -> list[str]:
        """New accounts in Dynamics, as a user would make them; their ids."""
        rows = [
            {"name": f"{word} {n:03d} GmbH", "customertypecode": ACCOUNT_TYPE, "telephone1": f"+49 40 {n:07d}",
             "emailaddress1": f"{word.lower()}{n}@born.example"}
            for n in range(count)
        ]  # fmt: skip
        return [str(row["accountid"]) for row in self.dataverse.data_write("accounts", rows)]

    def partners_named(self, name: str) -> list[Row]:
        """Customers of SAP of that name."""
        return [row for row in self.sap.data_rows("BusinessPartners") if row.get("CardName") == name]

    def edit_partner(self, code: str, **columns: Any) -> None:
        """As a user of SAP would."""
        self.sap.data_write("BusinessPartners", [{"CardCode": code, **columns}])

    def edit_account(self, key: str, **columns: Any) -> None:
        """As a user of Dynamics would."""
        self.dataverse.data_write("accounts", [{"accountid": key, **columns}])

    def differences(self, codes: Iterable[str]) -> list[str]:
        """Field by field, where a customer and its account do not show the same."""
        partners = {row["CardCode"]: row for row in self.sap.data_rows("BusinessPartners")}
        accounts: dict[str, list[Row]] = {}
        for row in self.dataverse.data_rows("accounts"):
            accounts.setdefault(str(row.get("accountnumber")), []).append(row)
        found: list[str] = []
        for code in codes:
            twins = accounts.get(code, [])
            if len(twins) != 1:
                found.append(f"{code}: {len(twins)} accounts")
            else:
                found += [f"{code}: {text}" for text in _differences(partners[code], twins[0])]
        return found


def _differences(partner: Row, account: Row) -> Iterable[str]:
    pairs = [(partner.get(sap), account.get(other), sap) for sap, other in _PLAIN]
    for kind, default, prefix in _KINDS:
        address = next(
            (a for a in partner.get("BPAddresses") or () if (a["AddressType"], a["AddressName"]) == (kind, partner.get(default))),
            {},
        )  # fmt: skip
        pairs += [(address.get(sap), account.get(f"{prefix}_{other}"), f"{kind} {sap}") for sap, other in _ADDRESS]
    for in_sap, there, name in pairs:
        if _text(in_sap) != _text(there):
            yield f"{name} {in_sap!r} != {there!r}"


def _text(value: object) -> str:
    """Texts are the same if they differ in blanks at their ends or in line ends alone."""
    return re.sub(r"\r\n?", "\n", str(value or "")).strip()
