"""Silence is an alarm: an app that was stopped over a scheduled start says so until the missed run is made up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.e2e.driver import Driver, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Once a year, so that no timer starts what is due while a test looks.
NEVER_NOW = "0 0 0 1 1 *"
CODES = ("C00001", "C00002")


async def told(hub: Driver) -> tuple[int, dict[str, Any]]:
    """Health's answer."""
    status, body, _ = await hub.env.call("GET", "/health")
    return status, body


async def let_time_pass(hub: Driver, span: timedelta) -> None:
    """While the app is stopped: all moments that storage holds of accounts' schedule and runs move back by so much.

    That is what the same rows look like when the app was stopped for so long; no clock is touched.
    """
    state = await hub.state()
    for name in ("initialized_at", "schedule_since", "last_start", "last_sweep", "last_good_at"):
        setattr(state, name, getattr(state, name) - span)
    await hub.runs.save_object(state)


async def test_a_start_missed_while_the_app_was_stopped_is_told_until_it_is_made_up(hub: Driver) -> None:
    await hub.mark(CODES)
    await hub.initialize()
    await hub.api("PUT", "/objects/account/schedule", {"run": "daily", "every": "01:00", "timezone": "Asia/Tokyo"})
    await hub.at_rest()
    assert (await told(hub))[0] == 200

    await hub.env.stop_hosts()
    await let_time_pass(hub, timedelta(hours=3))
    hub.edit_partner(CODES[0], Website="https://silent.example")
    tick = hub.env.app_settings()["SCHEDULE_TICK"]
    hub.env.change_settings(SCHEDULE_TICK=NEVER_NOW)
    await hub.env.add_host()
    status, body = await told(hub)
    (reason,) = body["reasons"]
    assert (status, body["ok"]) == (503, False)
    assert reason.startswith("dynamics/account: Its scheduled start of ")
    assert "was missed: no run has been started for it" in reason
    (late,) = (one for one in body["objects"] if one["overdue"])
    assert (late["object"], late["lastGoodAgeSeconds"] >= 3 * 3600) == ("account", True)

    await hub.env.stop_hosts()
    hub.env.change_settings(SCHEDULE_TICK=tick)
    await hub.env.add_host()

    async def made_up() -> bool:
        return (await told(hub))[0] == 200

    await until(made_up, "the missed run to be made up", log=hub.log)
    assert hub.account_of(CODES[0])["websiteurl"] == "https://silent.example"
    assert (await told(hub))[1]["reasons"] == []


async def test_a_system_that_is_down_is_told_while_it_is(hub: Driver) -> None:
    hub.sap.control.add_fault({"action": {"status": 503}})
    try:
        status, body = await told(hub)
    finally:
        hub.sap.control.clear_faults()
    assert status == 503
    assert [(one["side"], one["ok"]) for one in body["systems"]] == [("sap", False), ("other", True)]
    assert "SAP of template 'dynamics' cannot be reached" in body["reasons"][0]
    await hub.at_rest()

    async def well() -> bool:
        return (await told(hub))[0] == 200

    await until(well, "health after the fault", log=hub.log)
