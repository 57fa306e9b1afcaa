"""Runs that begin after others: what is read then must contain what those bring (stock after the sales of the tills).

Before its first plan, such a run starts a delta run of every object it comes after, and waits until they are over. If
documents of theirs did not arrive all the same, the object decides whether it is read without them.
"""

from __future__ import annotations

from shared.errors import Parked
from shared.objects.model import ObjectType, TemplateType
from shared.stores.records import WAITERS, parse_waiter, partition
from shared.stores.runs import ObjectState, Run
from shared.sync.hub import Hub
from shared.sync.outcomes import RunStatus
from shared.sync.start import start

_AFTER = "after"  # in the run's criteria: the runs it waits for


async def ready(hub: Hub, state: ObjectState, run: Run) -> bool:
    """Whether the run may begin to plan; otherwise a message that looks again is on its way.

    Raises Parked if documents did not arrive and the object is not read without them.
    """
    if not any(each.after for kind in hub.types.values() for each in kind.objects if each.name == run.object):
        return True  # nothing to look up, which idle runs count
    flow = await hub.flow(run.template, run.object, lists=False)
    names = [name for name in flow.object.after if (await hub.runs.object(run.template, name)).initialized_at]
    if not names:
        return True
    if _AFTER not in run.criteria:
        runs = [await start(hub, run.template, name, "delta", f"before {run.object}") for name in names]
        run.criteria = {**run.criteria, _AFTER: runs}
        await _look_later(hub, state, run)
        return False
    before = [await hub.runs.run(each) for each in run.criteria[_AFTER]]
    if any(each is not None and not RunStatus(each.status).over for each in before):
        await _look_later(hub, state, run)
        return False
    if not flow.object.goes_without(flow.ctx):
        stopped = [each.object for each in before if each is not None and each.status == RunStatus.STOPPED]
        left = [name for name in names if name in stopped or await _left(hub, run.template, flow.type, name)]
        if left:
            raise Parked(_told(run.object, left))
    return True


async def _look_later(hub: Hub, state: ObjectState, run: Run) -> None:
    state.beat, state.beat_at = state.beat + 1, hub.now()
    await hub.runs.save_object(state, run)
    await hub.send_run(run.id, "plan", state.beat, delay_seconds=hub.times.finish_first)


async def _left(hub: Hub, template: str, kind: TemplateType, name: str) -> bool:
    """Whether a document of the object failed, is to be tried again, or waits for a parent."""
    pk = partition(template, name)
    for prefix in ("f:", "d:"):
        rows, _ = await hub.records.listed(pk, prefix, None, 1)
        if rows:
            return True
    return any([await _waits(hub, template, parent, name) for parent in kind.objects if name in parent.parent_of])


async def _waits(hub: Hub, template: str, parent: ObjectType, child: str) -> bool:
    async for row in hub.records.rows(partition(template, parent.name), WAITERS):
        if parse_waiter(row["RowKey"])[2] == child:
            return True
    return False


def _told(name: str, left: list[str]) -> str:
    which = " and ".join(left)
    return (
        f"'{name}' was not read: documents of {which} have not reached SAP, which would show in it. See "
        "GET …/failures and correct or dismiss what is listed, or let it go without them by the settings."
    )
