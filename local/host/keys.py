"""The host's keys: one for functions, one master key, the same for every instance of an app on one storage account."""

from __future__ import annotations

import contextlib
import hmac
import secrets
from dataclasses import dataclass

from azure.core.exceptions import ResourceExistsError

from local.host.config import Settings
from local.host.storage import Storage

_TABLE = "hostkeys"
_ROW = "keys"


@dataclass(frozen=True)
class HostKeys:
    """The keys that requests are checked with."""

    function: str
    master: str

    @classmethod
    async def load(cls, settings: Settings, storage: Storage, host_id: str) -> HostKeys:
        """Keys from the settings, else from storage, where the first instance of the app leaves new ones."""
        function = settings.values.get("LOCAL_HOST_FUNCTION_KEY", "")
        master = settings.values.get("LOCAL_HOST_MASTER_KEY", "")
        if function and master:
            return cls(function, master)
        table = storage.table(_TABLE)
        with contextlib.suppress(ResourceExistsError):
            await table.create_table()
        made = {"function": secrets.token_urlsafe(32), "master": secrets.token_urlsafe(32)}
        with contextlib.suppress(ResourceExistsError):
            await table.create_entity({"PartitionKey": host_id, "RowKey": _ROW, **made})
        row = await table.get_entity(host_id, _ROW)
        return cls(function or str(row["function"]), master or str(row["master"]))

    def allow(self, auth_level: str, key: str) -> bool:
        """Whether a request with this key ("" for none) may call a function of this level; the master key may always."""
        accepted = {"anonymous": None, "function": (self.function, self.master), "admin": (self.master,)}[auth_level]
        return accepted is None or any(hmac.compare_digest(key.encode(), known.encode()) for known in accepted)
