"""The worker process is killed (SIGKILL) at each step of a delivery; the end is the same as without it.

Six moments, for a create in SAP (accounts born in Dynamics; a repeat would make a second customer) and for a bulk upsert
in Dynamics (marked customers). The last one is after storage took the slice's outcome and before the worker could tell
the host, which therefore does not delete the message and delivers it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from tests.e2e.driver import Driver
from tests.faults.conftest import kill_workers
from tests.faults.proxy import Moment, Seen, StorageProxy, Verdict

pytestmark = pytest.mark.asyncio(loop_scope="module")

_COUNT = 3


@dataclass(frozen=True)
class Point:
    """Where a request to storage is struck: a change of rows, recognised by what its body says."""

    method: str
    path: str
    body: str
    moment: Moment


#: What a slice's outcome looks like; the direction is filled in.
_OUTCOME = r'(?=.*"side": ?"{side}").*"done": ?true'
_POINTS = {
    "before the claim": Point("POST", r"/\$batch", r'/records\b.*"claim": ?"\[', Moment.BEFORE),
    "after the claim": Point("POST", r"/\$batch", r'/records\b.*"claim": ?"\[', Moment.AFTER),
    "after the links": Point("POST", r"/\$batch", r'/records\b.*"RowKey": ?"p:', Moment.AFTER),
    "before the outcome": Point("PUT|MERGE|PATCH", r"/slices\(", _OUTCOME, Moment.BEFORE),
    "before the delete of the message": Point("PUT|MERGE|PATCH", r"/slices\(", _OUTCOME, Moment.AFTER),
}
_REMOTE_WRITE = "after the remote write"


@dataclass
class Killing:
    """One killing: that it happened, and how many of the new records the other system held by then."""

    hub: Driver
    count: Callable[[], int]
    done: asyncio.Event = field(default_factory=asyncio.Event)
    written: int = -1

    async def happen(self) -> None:
        """Kill, and remember."""
        self.written = self.count()
        assert await kill_workers(self.hub)
        self.done.set()


def _kill_at(proxy: StorageProxy, point: Point, side: str, killing: Killing) -> None:
    async def kill(_: Seen) -> Verdict:
        await killing.happen()
        return Verdict.CUT

    body = point.body.replace("{side}", side)
    proxy.on(kill, service="table", method=point.method, path=point.path, body=body, moment=point.moment)


def _kill_after_the_write(hub: Driver, in_sap: bool, killing: Killing) -> None:
    """Kill once the system has carried out the write and before its answer goes out."""
    control = hub.sap.control if in_sap else hub.dataverse.control

    async def kill(request: web.Request, response: web.StreamResponse) -> None:
        is_write = request.method == "POST" and ("BusinessPartners" if in_sap else "UpsertMultiple") in (
            request.path + (await request.read()).decode("utf-8", "replace")
        )
        if is_write and response.status < 300 and not killing.done.is_set():
            control.watchers.remove(kill)
            await killing.happen()

    control.watchers.append(kill)


def _armed(hub: Driver, proxy: StorageProxy, moment: str, count: Callable[[], int], *, in_sap: bool) -> Killing:
    killing = Killing(hub, count)
    if moment == _REMOTE_WRITE:
        _kill_after_the_write(hub, in_sap, killing)
    else:
        _kill_at(proxy, _POINTS[moment], "other" if in_sap else "sap", killing)
    return killing


_MOMENTS = ["before the claim", "after the claim", _REMOTE_WRITE, "after the links", "before the outcome",
            "before the delete of the message"]  # fmt: skip


@pytest.mark.parametrize("moment", _MOMENTS)
async def test_a_create_in_sap_is_made_once_whenever_the_worker_is_killed(
    hub: Driver, proxy: StorageProxy, moment: str
) -> None:
    word = f"Sap{_MOMENTS.index(moment)}"
    customers = len(hub.sap.data_rows("BusinessPartners"))
    killing = _armed(hub, proxy, moment, lambda: len(hub.sap.data_rows("BusinessPartners")) - customers, in_sap=True)
    keys = hub.born_there(_COUNT, word)
    await hub.run_to_end(await hub.start())
    assert killing.written == (0 if "the claim" in moment else _COUNT)
    await hub.at_rest()
    assert len(hub.sap.data_rows("BusinessPartners")) == customers + _COUNT
    for n, key in enumerate(keys):
        (partner,) = hub.partners_named(f"{word} {n:03d} GmbH")
        assert hub.account_of(partner["CardCode"])["accountid"] == key
        await _is_linked(hub, partner["CardCode"], key)
        assert hub.differences([partner["CardCode"]]) == []
    await _nothing_is_left(hub)


@pytest.mark.parametrize("moment", _MOMENTS)
async def test_a_bulk_upsert_is_made_once_whenever_the_worker_is_killed(
    hub: Driver, proxy: StorageProxy, moment: str
) -> None:
    first = 100 + 10 * _MOMENTS.index(moment)
    codes = [f"C{first + n:05d}" for n in range(_COUNT)]
    accounts = len(hub.accounts())
    killing = _armed(hub, proxy, moment, lambda: len(hub.accounts()) - accounts, in_sap=False)
    await hub.mark(codes)
    await hub.run_to_end(await hub.start())
    assert killing.written == (0 if "the claim" in moment else _COUNT)
    await hub.at_rest()
    assert len(hub.accounts()) == accounts + _COUNT
    assert hub.differences(codes) == []
    for code in codes:
        await _is_linked(hub, code, str(hub.account_of(code)["accountid"]))
    await _nothing_is_left(hub)


async def _is_linked(hub: Driver, code: str, key: str) -> None:
    (link,) = (await hub.api("GET", f"/links?object=account&key={code}"))["items"]
    assert key in str(link)


async def _nothing_is_left(hub: Driver) -> None:
    """No claim, nothing due (both part of being at rest), no failure, no message that was given up."""
    assert await hub.failures() == []
    assert await hub.poisoned() == {}
