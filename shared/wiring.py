"""Puts the hub together from its app settings, once per process: stores, clients, gates, types.

The only module that knows clients and types alike. Tests bring their own edges (:class:`Edges`).
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

import httpx
from azure.core.pipeline import PipelineRequest

from shared import logs, telemetry
from shared.clients.connections import HttpTimes
from shared.clients.dataverse import Certificate, DataverseClient, DataverseConfig, DataverseSide, Tokens
from shared.clients.service_layer import ServiceLayerClient, ServiceLayerConfig, ServiceLayerSide
from shared.clients.tagrain import TagrainClient, TagrainConfig, TagrainSide
from shared.errors import Misconfigured
from shared.objects.model import TemplateType
from shared.objects.registry import default_registry
from shared.ports import Gate, Side, SideName
from shared.settings import AppSettings, TagrainConnection
from shared.stores.gates import GateTimes, LoginLock, StorageGate
from shared.stores.oddities import Oddities
from shared.stores.queues import Queues
from shared.stores.records import Records
from shared.stores.runs import Runs
from shared.stores.shares import Purpose
from shared.stores.storage import CallCounter, credential
from shared.stores.tables import Tables
from shared.stores.templates import TemplateRow, Templates
from shared.sync.hub import Hub, Sides
from shared.sync.run_links import RunLinks
from shared.times import Times

SAP = "sap"
DATAVERSE = "dataverse"
TAGRAIN = "tagrain"
# Before Dataverse has recommended anything (x-ms-dop-hint).
_DATAVERSE_AT_ONCE = 8
# Of one connection. The contract names no limit; a till that is asked for too much says 429.
_TAGRAIN_AT_ONCE = 8
_LOOK_SECONDS = 2.0

_purpose: ContextVar[Purpose] = ContextVar("purpose", default="work")


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _chance() -> str:
    return secrets.token_hex(6)


@dataclass(frozen=True)
class Edges:
    """What the hub touches of the world; each can be brought by a test.

    ``transports`` are by system; of Tagrain by system and connection (``tagrain-demo``), else the one for ``tagrain``.
    """

    transports: Mapping[str, httpx.AsyncBaseTransport] = field(default_factory=dict)
    tokens: Tokens | None = None
    sides: Sides | None = None
    types: Mapping[str, TemplateType] | None = None
    prefix: str = ""
    counter: CallCounter | None = None
    now: Callable[[], datetime] = _utc_now
    chance: Callable[[], str] = _chance


@dataclass(frozen=True)
class Access:
    """What callers are recognised by: whether the platform signs them in, and the admin key (b"" for none)."""

    easy_auth: bool = False
    admin_key: bytes = b""


@dataclass(frozen=True)
class App:
    """All that triggers need."""

    hub: Hub
    oddities: Oddities
    run_links: RunLinks
    access: Access
    _open: AsyncExitStack

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Inside, a person waits for an answer: requests use the slots that are kept for that."""
        before = _purpose.set("http")
        try:
            yield
        finally:
            _purpose.reset(before)

    async def close(self) -> None:
        """Give back sessions, slots and connections."""
        await self._open.aclose()


def build(settings: AppSettings, edges: Edges | None = None) -> App:
    """The hub by these settings. Nothing is sent yet; Misconfigured for settings that cannot work."""
    edges = edges or Edges()
    telemetry.start(settings.telemetry)
    logs.configure(settings.fingerprint_key)
    times, stack = settings.times, AsyncExitStack()
    stack.push_async_callback(asyncio.to_thread, telemetry.current().flush)
    edges = _counted(edges)
    tables, queues = _storage(settings, edges, stack)
    hub = Hub(
        records=Records(tables),
        runs=Runs(tables),
        templates=Templates(tables),
        queues=queues,
        types=edges.types if edges.types is not None else default_registry().types,
        sides=edges.sides or SystemSides(settings, edges, tables, times, stack),
        now=edges.now,
        chance=edges.chance,
        times=times,
        fingerprint_secret=settings.fingerprint_key,
        slice_size=settings.hub_slice_size,
    )
    links = RunLinks(settings.hub_base_url, settings.token_key, times)
    return App(hub, Oddities(tables), links, Access(settings.hub_easy_auth, settings.admin_key), stack)


def _counted(edges: Edges) -> Edges:
    """Steps of runs tell how many requests to storage they took, if anything is told at all."""
    if edges.counter is not None or not telemetry.current().active:
        return edges
    return replace(edges, counter=_StorageCalls())


class _StorageCalls(CallCounter):
    """Counts on the step that is at work; what the whole process sent is nobody's question."""

    def __call__(self, request: PipelineRequest[Any]) -> None:  # noqa: ARG002 - the SDK's hook
        telemetry.add_storage_call()


def _storage(settings: AppSettings, edges: Edges, stack: AsyncExitStack) -> tuple[Tables, Queues]:
    text = settings.storage_connection_string
    identity = None
    if not text:
        identity = credential(settings.storage_client_id)
        stack.push_async_callback(identity.close)
    tables = Tables(
        text,
        account_url=settings.storage_table_url or "",
        credential=identity,
        counter=edges.counter,
        prefix=edges.prefix,
    )
    stack.push_async_callback(tables.close)
    queues = Queues(
        text,
        account_url=settings.storage_queue_url or "",
        credential=identity,
        counter=edges.counter,
        prefix=edges.prefix,
    )
    stack.push_async_callback(queues.close)
    return tables, queues


# --- the systems ------------------------------------------------------------------------------------------------------


class SystemSides:
    """One adapter per system (of Tagrain per connection) and process, made when it is first needed."""

    def __init__(
        self, settings: AppSettings, edges: Edges, tables: Tables, times: Times, stack: AsyncExitStack
    ) -> None:
        self._settings, self._edges, self._tables, self._times, self._stack = settings, edges, tables, times, stack
        self._made: dict[str, Side] = {}
        self._others: Mapping[str, Callable[[TemplateRow], tuple[str, Callable[[], Side]]]] = {
            "dynamics": self._dynamics,
            "tagrain": self._till,
        }

    def side(self, template: TemplateRow, side: SideName) -> Side:
        """The adapter for that end of the template, by the settings in this row.

        Misconfigured for a type without a system, and for a system whose app settings are missing or not named.
        """
        if side is SideName.SAP:
            system, make = SAP, self._sap
        else:
            system, make = self._other(template)
        if system not in self._made:
            made = make()
            self._made[system] = made
            self._stack.push_async_callback(made.close)
        return self._made[system]

    def _other(self, template: TemplateRow) -> tuple[str, Callable[[], Side]]:
        if template.type not in self._others:
            raise Misconfigured(f"no system is known for templates of type {template.type}", code="template-type")
        return self._others[template.type](template)

    def _dynamics(self, template: TemplateRow) -> tuple[str, Callable[[], Side]]:
        url = self._settings.dataverse_url
        if url is None:
            raise Misconfigured(
                f"Template '{template.id}' needs Dataverse, and the app settings name none: set DATAVERSE_URL and what "
                "goes with it.",
                code="settings",
                system=DATAVERSE,
                fields=("DATAVERSE_URL",),
            )
        return DATAVERSE, lambda: self._dataverse(url)

    def _till(self, template: TemplateRow) -> tuple[str, Callable[[], Side]]:
        name = str(template.settings.get("connection") or "")
        if not name:
            raise Misconfigured(
                f"Template '{template.id}' names no connection to Tagrain: set its setting connection to the name in "
                "the app settings TAGRAIN_<NAME>_URL and TAGRAIN_<NAME>_API_KEY.",
                code="no-connection",
                system=TAGRAIN,
                fields=("connection",),
            )
        found = self._settings.tagrain.get(name)
        if found is None:
            wanted = (f"TAGRAIN_{name}_URL", f"TAGRAIN_{name}_API_KEY")
            raise Misconfigured(
                f"Template '{template.id}' names the connection {name}, and the app settings {' and '.join(wanted)} "
                "are missing: add both, or name another connection.",
                code="settings",
                system=TAGRAIN,
                fields=wanted,
            )
        system = f"{TAGRAIN}-{name.lower()}"
        return system, lambda: self._tagrain(system, found)

    def _sap(self) -> Side:
        settings = self._settings
        config = ServiceLayerConfig(
            base_url=settings.sap_base_url,
            company_db=settings.sap_company_db,
            user=settings.sap_user,
            password=settings.sap_password.get_secret_value(),
            ca_bundle=settings.sap_ca_bundle,
            timezone=settings.sap_timezone,
            times=self._http_times(),
        )
        client = ServiceLayerClient(
            config,
            gate=self._gate(SAP, settings.sap_concurrency),
            transport=self._edges.transports.get(SAP),
            login_lock=LoginLock(self._tables, SAP, lease=self._times.gate_lease, wait=self._times.gate_wait),
        )
        return ServiceLayerSide(client)

    def _tagrain(self, system: str, connection: TagrainConnection) -> Side:
        config = TagrainConfig(
            base_url=connection.url,
            api_key=connection.api_key.get_secret_value(),
            ca_bundle=self._settings.tagrain_ca_bundle,
            times=self._http_times(),
        )
        transports = self._edges.transports
        client = TagrainClient(
            config,
            gate=self._gate(system, _TAGRAIN_AT_ONCE),
            transport=transports.get(system, transports.get(TAGRAIN)),
        )
        return TagrainSide(client)

    def _dataverse(self, url: str) -> Side:
        settings = self._settings
        identity = settings.dataverse_managed_identity
        named = "" if identity in (None, "system") else str(identity)
        secret, pem = settings.dataverse_client_secret, settings.certificate_pem
        config = DataverseConfig(
            base_url=url,
            tenant=settings.dataverse_tenant_id or "",
            client_id=named if identity else settings.dataverse_client_id or "",
            secret=secret.get_secret_value() if secret else "",
            certificate=Certificate(pem, pem) if pem else None,
            managed_identity=bool(identity),
            authority=settings.dataverse_authority,
            ca_bundle=settings.dataverse_ca_bundle,
            times=self._http_times(),
        )
        client = DataverseClient(
            config,
            gate=self._gate(DATAVERSE, _DATAVERSE_AT_ONCE),
            tokens=self._edges.tokens,
            transport=self._edges.transports.get(DATAVERSE),
        )
        return DataverseSide(client)

    def _http_times(self) -> HttpTimes:
        times = self._times
        return HttpTimes(
            connect=times.connect, read=times.read, write_read=times.write_read, budget=times.request_budget
        )

    def _gate(self, system: str, limit: int) -> Gate:
        times = self._times
        room = times.gate_lease - times.request_longest
        gate_times = GateTimes(
            lease=times.gate_lease,
            request_longest=times.request_longest,
            idle_give_back=times.gate_idle_give_back,
            wait=times.gate_wait,
            look=min(_LOOK_SECONDS, room / 2),
        )
        gates: dict[Purpose, StorageGate] = {
            "work": StorageGate(self._tables, system, limit=limit, purpose="work", times=gate_times),
            "http": StorageGate(self._tables, system, limit=limit, purpose="http", times=gate_times),
        }
        for gate in gates.values():
            self._stack.push_async_callback(gate.close)
        return PurposeGate(gates)


class PurposeGate:
    """Both gates of a system behind one: a process has one session, but a person's request uses other slots."""

    def __init__(self, gates: Mapping[Purpose, Gate]) -> None:
        self._gates = gates

    def slot(self) -> AbstractAsyncContextManager[None]:
        """A slot for what is being done just now."""
        return self._gates[_purpose.get()].slot()

    async def pause(self, seconds: float) -> None:
        """Both pause."""
        for gate in self._gates.values():
            await gate.pause(seconds)

    async def hint(self, at_once: int) -> None:
        """Both follow."""
        for gate in self._gates.values():
            await gate.hint(at_once)


# --- the process's own ------------------------------------------------------------------------------------------------

_apps: WeakKeyDictionary[asyncio.AbstractEventLoop, App] = WeakKeyDictionary()


def current() -> App:
    """The app of this process (of this event loop: connections belong to one), built when it is first needed."""
    loop = asyncio.get_running_loop()
    if loop not in _apps:
        _apps[loop] = build(AppSettings.from_environment(os.environ))
    return _apps[loop]


@contextmanager
def using(app: App) -> Iterator[App]:
    """Inside, that app is the current one of this event loop (for tests)."""
    loop = asyncio.get_running_loop()
    before = _apps.get(loop)
    _apps[loop] = app
    try:
        yield app
    finally:
        if before is None:
            del _apps[loop]
        else:
            _apps[loop] = before
