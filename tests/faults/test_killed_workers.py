"""The worker process is killed (SIGKILL) at each step of a delivery; the end is the same as without it.

Six moments, for creates in SAP (accounts born in Dynamics, submitted orders; a repeat would make a second customer or
order) and for bulk upserts in Dynamics (marked customers; marked items, with a moment after each of their further steps).
The last one is after storage took the slice's outcome and before the worker could tell the host, which therefore does
not delete the message and delivers it again.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from tests.e2e.driver import Driver
from tests.e2e.sales_subjects import SALES
from tests.e2e.subjects import ACCOUNT_IN, ACCOUNT_OUT, ORDER_IN, PRODUCT_OUT, Stage, Subject
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
#: Those of a subject whose records are made in several writes, by their place.
_FURTHER_STAGES = ("after the prices", "after the publication")
_SUBJECTS = (ACCOUNT_IN, ACCOUNT_OUT, ORDER_IN, PRODUCT_OUT, *SALES)


def _moments(subject: Subject) -> list[str]:
    """All moments in their order."""
    points = list(_POINTS)
    stages = [_REMOTE_WRITE, *_FURTHER_STAGES][: len(subject.stages)]
    return [*points[:2], *stages, *points[2:]]


@dataclass
class Killing:
    """One killing: that it happened, and how much of the new records was there by then, stage by stage."""

    hub: Driver
    subject: Subject
    before: list[int]
    done: asyncio.Event = field(default_factory=asyncio.Event)
    made: list[int] = field(default_factory=list)

    async def happen(self) -> None:
        """Kill, and remember."""
        self.made = self.new()
        assert await kill_workers(self.hub)
        self.done.set()

    def new(self) -> list[int]:
        """What was made since the beginning."""
        return [now - then for now, then in zip(self.subject.progress(self.hub), self.before, strict=True)]

    def check_moment(self, moment: str) -> None:
        """It struck where it was to strike: what comes before that moment was made, what comes after it was not."""
        moments = _moments(self.subject)
        first = moments.index(_REMOTE_WRITE)
        done = min(max(moments.index(moment) - first + 1, 0), len(self.subject.stages))
        if moment == _REMOTE_WRITE and not self.subject.written_together:
            assert 1 <= self.made[0] <= _COUNT
            return
        assert self.made == [each if number < done else 0 for number, each in enumerate(_all(self.subject))]


def _all(subject: Subject) -> list[int]:
    return [_COUNT * stage.each for stage in subject.stages]


def _kill_at(proxy: StorageProxy, point: Point, side: str, killing: Killing) -> None:
    async def kill(_: Seen) -> Verdict:
        await killing.happen()
        return Verdict.CUT

    body = point.body.replace("{side}", side)
    proxy.on(kill, service="table", method=point.method, path=point.path, body=body, moment=point.moment)


def _kill_after_the_write(hub: Driver, stage: Stage, killing: Killing) -> None:
    """Kill once the system has carried out the write and before its answer goes out."""
    control = hub.sap.control if killing.subject.in_sap else hub.dataverse.control

    async def kill(request: web.Request, response: web.StreamResponse) -> None:
        text = f"{request.method} {request.path}\n" + (await request.read()).decode("utf-8", "replace")
        is_write = re.search(f"^{stage.request}", text, re.MULTILINE)
        if is_write and response.status < 300 and not killing.done.is_set() and kill in control.watchers:
            control.watchers.remove(kill)
            await killing.happen()

    control.watchers.append(kill)


def _armed(hub: Driver, proxy: StorageProxy, subject: Subject, moment: str) -> Killing:
    killing = Killing(hub, subject, subject.progress(hub))
    if moment in _POINTS:
        _kill_at(proxy, _POINTS[moment], subject.born.value, killing)
    else:
        stage = _moments(subject).index(moment) - _moments(subject).index(_REMOTE_WRITE)
        _kill_after_the_write(hub, subject.stages[stage], killing)
    return killing


@pytest.mark.parametrize(
    ("subject", "moment"),
    [pytest.param(subject, moment, id=f"{subject}-{moment}") for subject in _SUBJECTS for moment in _moments(subject)],
)
async def test_each_record_is_made_once_whenever_the_worker_is_killed(
    hub: Driver, proxy: StorageProxy, subject: Subject, moment: str
) -> None:
    await subject.open(hub)
    killing = _armed(hub, proxy, subject, moment)
    keys = await subject.make(hub, _COUNT)
    await hub.run_to_end(await hub.start(name=subject.name))
    assert killing.done.is_set()
    killing.check_moment(moment)
    await hub.at_rest()  # no claim, nothing due
    assert await hub.failures() == []
    assert await hub.poisoned() == {}
    assert killing.new() == _all(subject)
    await subject.arrived(hub, keys)
