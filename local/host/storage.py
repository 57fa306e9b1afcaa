"""Clients of the storage accounts that the app's bindings name: asynchronous, shared, with few and short retries."""

from __future__ import annotations

from azure.data.tables.aio import TableClient, TableServiceClient
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from local.host.config import Settings

STORAGE_CONNECTION = "AzureWebJobsStorage"
# Requests of the host itself can be told from the app's by this name.
USER_AGENT = "local-functions-host"


class Storage:
    """Queues and tables by connection name; one HTTP session for each account and service."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._queues: dict[str, QueueServiceClient] = {}
        self._tables: dict[str, TableServiceClient] = {}

    def queue(self, connection: str, name: str) -> QueueClient:
        """A queue of the account behind this connection setting. Raises ConfigError if it is not set."""
        if connection not in self._queues:
            self._queues[connection] = QueueServiceClient.from_connection_string(
                self._settings.connection(connection),
                initial_backoff=0,
                increment_base=1,
                random_jitter_range=0,
                retry_total=1,
                user_agent=USER_AGENT,
            )
        return self._queues[connection].get_queue_client(name)

    def table(self, name: str) -> TableClient:
        """A table of the host's own account (``AzureWebJobsStorage``)."""
        if STORAGE_CONNECTION not in self._tables:
            self._tables[STORAGE_CONNECTION] = TableServiceClient.from_connection_string(
                self._settings.connection(STORAGE_CONNECTION),
                retry_total=2,
                retry_backoff_factor=0.5,
                user_agent=USER_AGENT,
            )
        return self._tables[STORAGE_CONNECTION].get_table_client(name)

    async def close(self) -> None:
        """Close every session."""
        for queues in self._queues.values():
            await queues.close()
        for tables in self._tables.values():
            await tables.close()
