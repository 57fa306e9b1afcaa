"""Everything on one machine: storage, the systems, and one or more functions hosts that run this very tree."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aiohttp

from local.azurite import Azurite
from local.host.launch import HostProcess
from local.sample_company import build_company
from local.sample_company.chain import build_chain
from local.simulators.dataverse import DataverseSimulator
from local.simulators.dataverse.sales_catalog import lay_out_sales_catalog
from local.simulators.entra import EntraSimulator
from local.simulators.service_layer import ServiceLayerSimulator
from local.simulators.tagrain import TagrainSimulator
from local.simulators.tls import LocalTls, make_local_tls

ROOT = Path(__file__).resolve().parent.parent
TIMEZONE = "Europe/Berlin"

#: Times that let a person, a demo or a test see in seconds what takes minutes in production; same order of size.
SHORT_TIMES: Mapping[str, float] = {
    "connect": 2,
    "read": 6,
    "write_read": 6,
    "request_budget": 4,
    "claim_expiry": 10,
    "gate_lease": 10,
    "gate_idle_give_back": 2,
    "gate_wait": 10,
    "plan_budget": 20,
    "slice_overdue": 20,
    "finish_first": 0.3,
    "run_heartbeat": 3,
    "run_silent": 15,
    "retry_base": 1,
    "retry_cap": 8,
    "overlap": 5,
    "reference_cache": 30,
    "poll_after": 1,
    "health_grace": 30,
    "health_due": 60,
    "health_queue": 120,
}


@dataclass
class Simulators:
    """The systems, played on loopback with TLS."""

    directory: Path
    customers: int = 200
    items: int = 60
    tls: LocalTls = field(init=False)
    sap: ServiceLayerSimulator = field(init=False)
    entra: EntraSimulator = field(init=False)
    dataverse: DataverseSimulator = field(init=False)
    tagrain: TagrainSimulator = field(init=False)
    urls: dict[str, str] = field(default_factory=dict)

    async def start(self, ports: Mapping[str, int] | None = None) -> Self:
        """Start them; port 0 or none takes a free one."""
        at = ports or {}
        self.tls = make_local_tls(self.directory)
        self.sap = ServiceLayerSimulator(build_company(customers=self.customers, items=self.items), timezone=TIMEZONE)
        self.entra = EntraSimulator()
        self.dataverse = DataverseSimulator(self.entra)
        self.urls["sap"] = await self.sap.start(at.get("sap", 0), self.tls.server)
        self.urls["entra"] = await self.entra.start(at.get("entra", 0), self.tls.server)
        lay_out_sales_catalog(self.dataverse)
        self.urls["dataverse"] = await self.dataverse.start(at.get("dataverse", 0), self.tls.server)
        self.tagrain = TagrainSimulator(build_chain())
        self.urls["tagrain"] = await self.tagrain.start(at.get("tagrain", 0), self.tls.server)
        return self

    async def stop(self) -> None:
        """Stop them all."""
        for simulator in (self.sap, self.dataverse, self.tagrain, self.entra):
            await simulator.stop()

    def settings(self) -> dict[str, str]:
        """The app settings that point the hub at them: nothing but addresses, authority and credentials differ from Azure."""
        return {
            "SAP_BASE_URL": f"{self.urls['sap']}/b1s/v2",
            "SAP_COMPANY_DB": "SBODEMO",
            "SAP_USER": "manager",
            "SAP_PASSWORD": "manager-secret",
            "SAP_CA_BUNDLE": str(self.tls.ca_file),
            "SAP_TIMEZONE": TIMEZONE,
            "DATAVERSE_URL": self.urls["dataverse"],
            "DATAVERSE_TENANT_ID": self.entra.tenant,
            "DATAVERSE_CLIENT_ID": self.entra.client_id,
            "DATAVERSE_CLIENT_SECRET": self.entra.client_secret,
            "DATAVERSE_AUTHORITY": self.urls["entra"],
            "DATAVERSE_CA_BUNDLE": str(self.tls.ca_file),
            "TAGRAIN_DEMO_URL": self.urls["tagrain"],
            "TAGRAIN_DEMO_API_KEY": self.tagrain.api_key,
            "TAGRAIN_CA_BUNDLE": str(self.tls.ca_file),
        }


class Environment:
    """Azurite, simulators and hosts, started together and stopped together."""

    def __init__(
        self,
        *,
        customers: int = 200,
        hosts: int = 1,
        workers: int = 1,
        port: int = 0,
        directory: Path | None = None,
        settings: Mapping[str, str] | None = None,
        times: Mapping[str, float] | None = None,
        storage: str = "",
    ) -> None:
        self._hosts, self._workers = hosts, workers
        self._port = port  # of the first host; 0 becomes a free one at start
        self._settings = dict(settings or {})
        self._times = {**SHORT_TIMES, **(times or {})}
        self._storage = storage
        self._temporary = None if directory else tempfile.TemporaryDirectory(prefix="hub-")
        self.directory = directory or Path(self._temporary.name if self._temporary else ".")
        self.simulators = Simulators(self.directory, customers)
        self.azurite: Azurite | None = None
        self.hosts: list[HostProcess] = []
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> Self:
        """Start all parts; on any failure stop those that run."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self.azurite = await Azurite.start()
            await self.simulators.start()
            self._port = self._port or _free_port()
            for _ in range(self._hosts):
                await self.add_host()
        except BaseException:
            await self.stop()
            raise
        return self

    async def stop(self) -> None:
        """Stop hosts, then simulators, then storage; nothing else."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        await self.stop_hosts()
        if self.simulators.urls:
            await self.simulators.stop()
            self.simulators.urls.clear()
        if self.azurite is not None:
            await self.azurite.stop()
            self.azurite = None
        if self._temporary is not None:
            self._temporary.cleanup()

    async def stop_hosts(self) -> None:
        """Stop the app; storage and systems stay."""
        for host in self.hosts:
            await host.stop()
        self.hosts.clear()

    def change_settings(self, **settings: str) -> None:
        """App settings of the hosts that are started from now on."""
        self._settings.update(settings)

    async def add_host(self) -> HostProcess:
        """One more host on the same storage: what Azure calls another instance."""
        log_file = self.directory / f"host-{len(self.hosts)}.log"
        port = self._port if not self.hosts else 0
        host = await HostProcess.start(ROOT, self.app_settings(), port=port, workers=self._workers, log_file=log_file)
        self.hosts.append(host)
        return host

    @property
    def storage(self) -> str:
        """The connection string the app uses."""
        assert self.azurite is not None
        return self._storage or self.azurite.connection_string

    def app_settings(self) -> dict[str, str]:
        """All app settings, as environment of the host."""
        return {
            "AzureWebJobsStorage": self.storage,
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "HUB_BASE_URL": f"http://127.0.0.1:{self._port}",
            "SCHEDULE_TICK": "*/2 * * * * *",
            "SWEEPER_TICK": "*/2 * * * * *",
            # What host.json sets for Azure would let a person wait here between two steps of a run.
            "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.5",
            "HUB_FINGERPRINT_KEY": "a-key-for-one-machine-only-0123456789",
            "HUB_TOKEN_KEY": "another-key-for-one-machine-only-0123",
            "HUB_ADMIN_KEY": "an-admin-key-for-one-machine-only-0123",
            "HUB_TIMES": json.dumps(self._times),
            **self.simulators.settings(),
            **self._settings,
        }

    def description(self) -> dict[str, Any]:
        """Addresses, keys and credentials, for programs."""
        settings = self.app_settings()
        return {
            "hub": {
                "url": f"{self.hosts[0].base_url}/api",
                "functionKey": self.hosts[0].function_key,
                "masterKey": self.hosts[0].master_key,
                "adminKey": settings["HUB_ADMIN_KEY"],
            }
            if self.hosts
            else None,
            "storage": {"connectionString": self.storage},
            "sap": {
                "url": settings["SAP_BASE_URL"],
                "companyDb": settings["SAP_COMPANY_DB"],
                "user": settings["SAP_USER"],
                "password": settings["SAP_PASSWORD"],
                "control": f"{self.simulators.urls['sap']}/_sim",
            },
            "dataverse": {
                "url": settings["DATAVERSE_URL"],
                "tenant": settings["DATAVERSE_TENANT_ID"],
                "clientId": settings["DATAVERSE_CLIENT_ID"],
                "clientSecret": settings["DATAVERSE_CLIENT_SECRET"],
                "authority": settings["DATAVERSE_AUTHORITY"],
                "control": f"{self.simulators.urls['dataverse']}/_sim",
            },
            "tagrain": {
                "url": settings["TAGRAIN_DEMO_URL"],
                "apiKey": settings["TAGRAIN_DEMO_API_KEY"],
                "control": f"{self.simulators.urls['tagrain']}/_sim",
            },
            "processes": {
                "azurite": self.azurite.pid if self.azurite else None,
                "hosts": [host.pid for host in self.hosts],
            },
            "caBundle": str(self.simulators.tls.ca_file),
            "logs": [str(self.directory / f"host-{n}.log") for n in range(len(self.hosts))],
        }

    # --- calling the hub ----------------------------------------------------------------------------------------------

    async def api(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        host: int = 0,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        expect: int | None = None,
    ) -> Any:
        """Call the hub's API as :meth:`call` does; answers the JSON. RuntimeError if the status is not the expected one."""
        status, answer, _ = await self.call(method, path, body, host=host, key=key, headers=headers)
        if (status != expect) if expect else status >= 400:
            raise RuntimeError(f"{method} {path} answered {status}: {json.dumps(answer)[:2000]}")
        return answer

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        host: int = 0,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Call the hub's API; answers status, JSON (or text) and headers.

        With function key and admin key, unless a key is given: then with that alone ("" for none). ``headers`` are sent
        besides.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession()
        at = self.hosts[host]
        url = path if path.startswith("http") else f"{at.base_url}/api{path}"
        admin = {"X-Hub-Admin-Key": self.app_settings()["HUB_ADMIN_KEY"]} if key is None else {}
        sent = {"x-functions-key": at.function_key if key is None else key, **admin, **(headers or {})}
        async with self._session.request(method, url, json=body, headers=sent) as response:
            text = await response.text()
            with contextlib.suppress(ValueError):
                return response.status, json.loads(text), dict(response.headers)
            return response.status, text, dict(response.headers)

    async def run_to_end(self, answer: Mapping[str, Any], *, seconds: float = 120) -> dict[str, Any]:
        """Wait for the end of a run that a 202 answered; follows its status link."""
        async with asyncio.timeout(seconds):
            while True:
                status, run, _ = await self.call("GET", str(answer["statusUrl"]))
                if status == 200:
                    return dict(run)
                if status != 202:
                    raise RuntimeError(f"the run's status answered {status}: {run}")
                await asyncio.sleep(0.2)


def _free_port() -> int:
    """A port that is free now; the hub must know its own address before its host listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
