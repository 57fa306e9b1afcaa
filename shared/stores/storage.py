"""What tables and queues share: who we are to the storage account, its errors as ours, and counting calls to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
)
from azure.core.pipeline import PipelineRequest
from azure.identity import CredentialUnavailableError
from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential

from shared.errors import LostRace, Misconfigured, Transient, masked

SYSTEM = "storage"
# Why a race was lost, by status; the SDK leaves its error code empty where a single row is inserted twice.
_LOST = {404: "missing", 409: "exists", 412: "changed"}
# 409 as well, but nobody's race: it passes.
_PASSING = ("TableBeingDeleted", "QueueBeingDeleted")
# What is refused with these found no row to look at.
_NO_TABLE = ("TableNotFound", *_PASSING)
_NOT_WELL = frozenset({408, 429, 500, 502, 503, 504})
# The SDK repeats what is safe to repeat after 0, 0.4, 0.8 … seconds; what lasts longer is for the queue to wait out.
# What it does not repeat at all is for ``once_more``.
RETRIES: dict[str, Any] = {
    "retry_total": 4,
    "retry_connect": 3,
    "retry_read": 3,
    "retry_status": 3,
    "retry_backoff_factor": 0.2,
    "retry_backoff_max": 5,
    "connection_timeout": 10,
    "read_timeout": 60,
}


def credential(client_id: str | None) -> AsyncTokenCredential:
    """The identity to use without a connection string: the named managed identity, else what the machine offers."""
    if client_id:
        return ManagedIdentityCredential(client_id=client_id)
    return DefaultAzureCredential()


class CallCounter:
    """Counts requests as they go to the wire (repeats too) by verb and table or queue; a transaction is one BATCH.

    Given to :class:`shared.stores.tables.Tables` or :class:`shared.stores.queues.Queues` as ``counter``.
    """

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()

    def __call__(self, request: PipelineRequest[Any]) -> None:
        """Count one request; the SDK's hook for raw requests."""
        http = request.http_request
        verb, url = http.method, http.url
        parts = getattr(http, "multipart_mixed_info", None)
        if parts:
            verb = "BATCH"
            url = parts[0][0].multipart_mixed_info[0][0].url
        self.calls[verb, _collection(url)] += 1

    @property
    def total(self) -> int:
        """All requests so far."""
        return self.calls.total()

    def clear(self) -> None:
        """Start again at zero."""
        self.calls.clear()


def _collection(url: str) -> str:
    """The table or queue a storage URL is about; emulators put the account's name first in the path."""
    path = [part for part in urlsplit(url).path.split("/") if part]
    if path and path[0].startswith("devstoreaccount"):
        path = path[1:]
    return path[0].split("(")[0] if path else ""


@contextmanager
def mapped_errors() -> Iterator[None]:
    """Turns an SDK error into ours.

    LostRace for 404, 409 and 412 with the code missing, exists or changed; Transient for throttling, outages and
    lost connections, after the SDK's own repeats; Misconfigured where we are not let in; ValueError for a request the
    store calls wrong, which is a bug of ours.
    """
    try:
        yield
    except CredentialUnavailableError as error:
        raise Misconfigured("no identity for the storage account is available here", system=SYSTEM) from error
    except HttpResponseError as error:
        raise _by_status(error) from error
    except AzureError as error:
        raise Transient(f"the storage account could not be reached: {type(error).__name__}", system=SYSTEM) from error


async def once_more[Answer](write: Callable[[], Awaitable[Answer]]) -> Answer:
    """Do the write, and do it again at once where its connection was lost before an answer came.

    For inserts, merges and transactions, which the SDK does not repeat (it repeats reads, puts, replaces and deletes).
    Only for writes that change nothing the second time: those guarded by an ETag or by being inserts, and those that
    set values. Where the second is refused because of what it finds, that may be what the first left: nobody knows
    whose race was lost, and the lost connection is raised.
    """
    try:
        return await write()
    except ServiceRequestTimeoutError:
        raise
    except ServiceRequestError as lost:
        try:
            return await write()
        except HttpResponseError as error:
            if error.status_code in _LOST and error_code(error) not in _NO_TABLE:
                raise lost from error
            raise


def _by_status(error: HttpResponseError) -> Exception:
    status, code = error.status_code, error_code(error)
    if status in _LOST and code not in _PASSING:
        return LostRace(f"the row is not as expected: {_LOST[status]}", code=_LOST[status], system=SYSTEM)
    if status in (401, 403):
        return Misconfigured(f"the storage account refuses us: {status} {code}", code=code, system=SYSTEM)
    if status is None or status in _NOT_WELL or status >= 500 or isinstance(error, ClientAuthenticationError):
        return Transient(f"the storage account is not well: {status} {code}", code=code, system=SYSTEM)
    if code in _PASSING:
        return Transient(f"the storage account is busy with it: {code}", code=code, system=SYSTEM)
    return ValueError(f"the storage account calls the request wrong: {status} {code} {masked(error.message)}")


def error_code(error: HttpResponseError) -> str:
    """The service's own code, also where the SDK did not read it out of the body."""
    code = getattr(error, "error_code", None)
    if code:
        return str(getattr(code, "value", code))
    return next((known for known in _NO_TABLE if known in str(error)), "")
