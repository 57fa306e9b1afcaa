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
from dataclasses import dataclass, field
from datetime import UTC, datetime
from weakref import WeakKeyDictionary

import httpx

from shared import logs
from shared.clients.connections import HttpTimes
from shared.clients.dataverse import Certificate, DataverseClient, DataverseConfig, DataverseSide, Tokens
from shared.clients.service_layer import ServiceLayerClient, ServiceLayerConfig, ServiceLayerSide
from shared.errors import Misconfigured
from shared.objects.model import TemplateType
from shared.objects.registry import default_registry
from shared.ports import Gate, Side, SideName
from shared.settings import AppSettings
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
#: Template type -> the system on its other side.
_OTHER_SYSTEM: Mapping[str, str] = {"dynamics": DATAVERSE}
# Before Dataverse has recommended anything (x-ms-dop-hint).
_DATAVERSE_AT_ONCE = 8
_LOOK_SECONDS = 2.0

_purpose: ContextVar[Purpose] = ContextVar("purpose", default="work")


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _chance() -> str:
    return secrets.token_hex(6)


@dataclass(frozen=True)
class Edges:
    """What the hub touches of the world; each can be brought by a test. ``transports`` are by system."""

    transports: Mapping[str, httpx.AsyncBaseTransport] = field(default_factory=dict)
    tokens: Tokens | None = None
    sides: Sides | None = None
    types: Mapping[str, TemplateType] | None = None
    prefix: str = ""
    counter: CallCounter | None = None
    now: Callable[[], datetime] = _utc_now
    chance: Callable[[], str] = _chance


@dataclass(frozen=True)
class App:
    """All that triggers need."""

    hub: Hub
    oddities: Oddities
    run_links: RunLinks
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
    logs.configure(settings.fingerprint_key)
    times, stack = settings.times, AsyncExitStack()
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
    return App(hub, Oddities(tables), RunLinks(settings.hub_base_url, settings.token_key, times), stack)


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
    """One adapter per system and process, made when it is first needed."""

    def __init__(
        self, settings: AppSettings, edges: Edges, tables: Tables, times: Times, stack: AsyncExitStack
    ) -> None:
        self._settings, self._edges, self._tables, self._times, self._stack = settings, edges, tables, times, stack
        self._made: dict[str, Side] = {}
        self._makers: Mapping[str, Callable[[], Side]] = {SAP: self._sap, DATAVERSE: self._dataverse}

    def side(self, template: TemplateRow, side: SideName) -> Side:
        """The adapter for that end of the template; Misconfigured for a type without a system."""
        system = SAP if side is SideName.SAP else _OTHER_SYSTEM.get(template.type, "")
        if system not in self._makers:
            raise Misconfigured(f"no system is known for templates of type {template.type}", code="template-type")
        if system not in self._made:
            made = self._makers[system]()
            self._made[system] = made
            self._stack.push_async_callback(made.close)
        return self._made[system]

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

    def _dataverse(self) -> Side:
        settings = self._settings
        identity = settings.dataverse_managed_identity
        named = "" if identity in (None, "system") else str(identity)
        secret, pem = settings.dataverse_client_secret, settings.certificate_pem
        config = DataverseConfig(
            base_url=settings.dataverse_url,
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
