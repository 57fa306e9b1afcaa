"""The last chapters: a schedule that fires, a record that breaks and is mended, and what is left behind of all that."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from local.demo import lead, traces, trade
from local.demo import lead_systems as people
from local.demo import trade_systems as systems
from local.demo.stage import ACCOUNT, TEMPLATE, Stage
from local.demo.systems import Row
from local.environment import TIMEZONE

_SCHEDULED, _BROKEN, _NEIGHBOUR = "C00003", "C00006", "C00005"
_LONGEST_WAIT = 90.0  # every minute, plus a tick, a run, and a slow machine
_SALES_TABLES = ("leads", "contacts", "opportunities", "quotes", "quotedetails")
_NEVER = {"run": "never", "timezone": TIMEZONE}
_GOOD_NAME = "株式会社さくら商事 (Hamburg)"
_BAD_NAME = "株式会社さくら商事\x0b(Hamburg)"


async def schedule(stage: Stage) -> None:
    """A schedule is set through the API; nobody presses anything, and an edit arrives."""
    wanted = {"run": "daily", "every": "00:01", "timezone": TIMEZONE}
    saved = await stage.api("PUT", f"{ACCOUNT}/schedule", wanted)
    starts = [datetime.fromisoformat(start) for start in saved["nextStarts"]]
    local = [start.astimezone(ZoneInfo(TIMEZONE)).strftime("%H:%M") for start in starts]
    stage.say(f"every minute; the next starts in {TIMEZONE}: {', '.join(local)}")
    gaps = {(later - earlier).total_seconds() for earlier, later in pairwise(starts)}
    stage.check("the next five starts are a minute apart", (len(starts), gaps), (5, {60.0}))
    fax = f"+49 30 {datetime.now(UTC):%H%M%S}"
    await stage.sap.edit(_SCHEDULED, Fax=fax)

    async def arrived() -> bool:
        account = await stage.dynamics.account(_SCHEDULED)
        return bool(account["fax"] == fax)

    came = await stage.wait("waiting for the clock", arrived, _LONGEST_WAIT)
    stage.check("it fired: an edit in SAP is in Dynamics, and nobody called", came)
    stage.check("its run is listed as scheduled", await _scheduled_run_ended(stage))
    stopped = await stage.api("PUT", f"{ACCOUNT}/schedule", _NEVER)
    stage.check("switched off again, no start is planned", stopped["nextStarts"], [])


async def _scheduled_run_ended(stage: Stage) -> bool:
    """The run that carried it ends a moment after the write that was just seen."""

    async def listed() -> bool:
        runs = await _runs(stage)
        return any(run["origin"] == "schedule" and run["status"] == "succeeded" for run in runs)

    return await stage.wait("waiting for its run to end", listed, 20)


async def _runs(stage: Stage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    more = ""
    while True:
        page = await stage.api("GET", f"/runs?template={TEMPLATE}&object=account&limit=100{more}")
        found += page["items"]
        if not page["continuation"]:
            return found
        more = f"&continuation={page['continuation']}"


async def broken(stage: Stage) -> None:
    """Somebody pastes a name with an invisible character that Dynamics refuses: it fails alone, and says why."""
    await stage.sap.edit(_BROKEN, CardName=_BAD_NAME)
    await stage.sap.edit(_NEIGHBOUR, Fax="+48 22 5550177")
    run = await stage.sync_now()
    stage.check(
        "one record failed, and the run says so", (run["status"], run["counts"].get("failed")), ("partly failed", 1)
    )
    neighbour = (await stage.dynamics.account(_NEIGHBOUR))["fax"]
    stage.check("its neighbour arrived all the same", neighbour, "+48 22 5550177")
    failures = (await stage.api("GET", f"/templates/{TEMPLATE}/failures?object=account"))["items"]
    stage.check("it is listed as refused", [(f["key"], f["class"]) for f in failures], [(_BROKEN, "Rejected")])
    explained = await stage.explain(_BROKEN)
    stage.say(f"explain: {explained['summary']}")
    stage.check("explain names the field to look at", explained["failure"]["fields"], ["name"])
    stage.check("… and quotes no record data", _GOOD_NAME[:6] not in str(explained))

    await stage.sap.edit(_BROKEN, CardName=_GOOD_NAME)
    body = {"object": "account", "keys": [_BROKEN]}
    answer = await stage.api("POST", f"/templates/{TEMPLATE}/failures/retry", body, expect=202)
    run = await stage.follow(answer["runs"][0]["statusUrl"], "mended in SAP, and retried")
    stage.check("the retry succeeded", run["status"], "succeeded")
    stage.check("Dynamics has the name", (await stage.dynamics.account(_BROKEN))["name"], _GOOD_NAME)
    left = (await stage.api("GET", f"/templates/{TEMPLATE}/failures?object=account"))["items"]
    stage.check("no failure is left", left, [])
    await stage.check_same()


async def leave_no_traces(stage: Stage) -> None:
    """Tables, queues and logs are searched for what the hub carried: keys and fingerprints are there, no record data."""
    customers = [*(await stage.sap.customers()).values(), *(await stage.dynamics.accounts()).values()]
    values = traces.worth_hiding([*customers, *await _goods_and_sales(stage)])
    written = trade.WRITTEN | lead.WRITTEN
    stage.check(
        "what people wrote on leads, quotes and orders is among what is searched", written - values, frozenset()
    )
    kept = await traces.kept(stage.environment)
    stage.say(
        f"{len(values)} names, addresses, phones, e-mails, texts of items, leads and sales; {len(kept)} places to look"
    )
    stage.check("the search works: codes are keys, and are found", bool(traces.found({_BROKEN}, kept)))
    stage.check("none of them is in tables, queues or logs", traces.found(values, kept), [])
    secrets = traces.secrets(stage.environment)
    stage.check("nor is a password, secret or key", traces.found(secrets, kept), [])
    health, _, _ = await stage.environment.call("GET", "/health")
    stage.check("the hub calls itself well", health, 200)


async def _goods_and_sales(stage: Stage) -> list[Row]:
    """What either side shows of items, products, leads, contacts and sales with their lines."""
    sap, dynamics = stage.sap, stage.dynamics
    in_sap = [*(await systems.items(sap)).values()]
    for read in (systems.documents, people.quotations, people.sap_opportunities, people.partners):
        in_sap += await read(sap)
    in_dynamics = [await read(dynamics) for read in (systems.products, systems.orders, systems.all_lines)]
    in_dynamics += [await dynamics.rows(table) for table in _SALES_TABLES]
    return [*in_sap, *(row for rows in in_dynamics for row in rows)]
