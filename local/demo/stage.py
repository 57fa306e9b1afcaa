"""What every step is given: the running environment, both systems, a console, and checks that count."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from local.demo.compare import Comparison, Lists, compare
from local.demo.systems import Dynamics, Sap
from local.demo.trade_compare import PriceList
from local.environment import Environment

TEMPLATE = "dynamics"
OBJECTS: Mapping[str, str] = {
    name: f"/templates/{TEMPLATE}/objects/{name}"
    for name in ("lead", "account", "contact", "product", "opportunity", "quotation", "order")
}
"""What the template brings over, with its address, in the order in which one builds upon the other."""
LEAD, ACCOUNT, CONTACT, PRODUCT, OPPORTUNITY, QUOTATION, ORDER = OBJECTS.values()
_MOST_SHOWN = 5
_RUN_SECONDS, _RUN_SECONDS_EACH = 120.0, 0.1  # when a run is given up on: with so many customers of a slow machine


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    what: str
    holds: bool


@dataclass
class Stage:
    """The story's stage.

    ``types`` are the customers that take part, by code, with their account type; ``items`` the items that do;
    ``price_lists`` whose prices travel; ``order`` is the order of Dynamics that the story follows; ``life`` is what became of
    the lead that it follows, as ids of Dynamics by object.
    """

    environment: Environment
    sap: Sap
    dynamics: Dynamics
    console: Console
    customers: int
    types: dict[str, int] = field(default_factory=dict)
    items: set[str] = field(default_factory=set)
    price_lists: tuple[PriceList, ...] = ()
    order: str = ""
    life: dict[str, str] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)

    # --- saying -----------------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """One line of the story; data is shown as it is, not as markup."""
        self.console.print(f"    {text}", markup=False, highlight=False)

    def check(self, what: str, seen: Any, expected: Any = True) -> None:
        """What must hold. A check that fails says what was expected and what was seen; the step has failed then."""
        holds = bool(seen == expected)
        self.checks.append(Check(what, holds))
        line = f"  [green]✓[/green] {escape(what)}" if holds else f"  [red]✗ {escape(what)}[/red]"
        self.console.print(line, highlight=False)
        if not holds:
            self.say(f"expected: {_short(expected)}")
            self.say(f"seen:     {_short(seen)}")

    # --- the hub's API ----------------------------------------------------------------------------------------------

    async def api(self, method: str, path: str, body: Any = None, *, expect: int | None = None) -> Any:
        """Call the hub with its function key; answers the JSON."""
        return await self.environment.api(method, path, body, expect=expect)

    async def run(self, method: str, path: str, body: Any, label: str, total: int | None = None) -> dict[str, Any]:
        """Start something that answers 202, and follow its Location to the end, as a flow in Power Automate does."""
        return await self.follow(await self.start(method, path, body), label, total)

    async def start(self, method: str, path: str, body: Any) -> str:
        """Start something that answers 202; answers its Location."""
        status, answer, headers = await self.environment.call(method, path, body)
        if status != 202:
            raise RuntimeError(f"{method} {path} answered {status}: {answer}")
        return headers["Location"]

    async def follow(self, location: str, label: str, total: int | None = None) -> dict[str, Any]:
        """Wait for the end of a run, with a bar that shows its counts; RuntimeError if it does not end in time."""
        began = time.monotonic()
        longest = _RUN_SECONDS + self.customers * _RUN_SECONDS_EACH
        async with self.progress(label, total) as advance, asyncio.timeout(longest):
            while True:
                # No key: the Location's own token is enough for this run's status, and for nothing else.
                status, run, _ = await self.environment.call("GET", location, key="")
                if status not in (200, 202):
                    raise RuntimeError(f"the run's status answered {status}: {run}")
                advance(sum(run["counts"].values()))
                if status == 200:
                    break
                await asyncio.sleep(0.25)
        self.say(f"{label}: {run['status']} in {time.monotonic() - began:.1f} s ({_counted(run['counts'])})")
        if run.get("reason"):
            self.say(f"reason: {run['reason']}")
        return dict(run)

    async def sync_now(self, label: str = "Sync Now", of: str = ACCOUNT, **body: Any) -> dict[str, Any]:
        """Sync Now of an object, to its end."""
        return await self.run("POST", f"{of}/sync", body, label)

    async def explain(self, key: str, object_name: str = "account", side: str = "sap") -> dict[str, Any]:
        """What the hub says of one record; of a customer if nothing else is said."""
        query = f"object={object_name}&side={side}&key={key}"
        return dict(await self.api("GET", f"/templates/{TEMPLATE}/explain?{query}"))

    async def preview(self, of: str, **body: Any) -> dict[str, Any]:
        """What Sync Now of an object would do; nothing is done."""
        return dict(await self.api("POST", f"{of}/sync", {**body, "preview": True}, expect=200))

    # --- both systems -----------------------------------------------------------------------------------------------

    async def compared(self) -> Comparison:
        """Both sides now, field by field."""
        lists = await Lists.read(self.sap, self.dynamics)
        accounts = await self.dynamics.accounts()
        return compare(await self.sap.customers(), accounts.values(), self.types, lists)

    async def check_same(self) -> Comparison:
        """Every customer that takes part is in Dynamics once and shows the same there; nobody else is."""
        result = await self.compared()
        self.check(f"{result.pairs} customers, {result.fields} fields: the same on both sides", result.differences, [])
        self.check("no customer is missing in Dynamics", result.missing, [])
        self.check("no customer is there twice", result.doubled, [])
        self.check("no customer is there that was not marked", result.uninvited, [])
        return result

    def forget_writes(self) -> None:
        """Count writes anew from here on, at the systems themselves."""
        for simulator in (self.environment.simulators.sap, self.environment.simulators.dataverse):
            simulator.control.reset_stats()

    def writes(self) -> dict[str, int]:
        """What was really written since, per system and table."""
        simulators = self.environment.simulators
        both: Mapping[str, Any] = {"SAP": simulators.sap, "Dynamics": simulators.dataverse}
        return {f"{name} {what}": n for name, one in both.items() for what, n in one.control.writes.items() if n}

    # --- waiting ----------------------------------------------------------------------------------------------------

    async def wait(self, label: str, holds: Callable[[], Awaitable[bool]], seconds: float) -> bool:
        """Wait until it holds; False if it does not within that time."""
        began = time.monotonic()
        async with self.progress(label, round(seconds)) as advance:
            while not await holds():
                advance(time.monotonic() - began)
                if time.monotonic() - began > seconds:
                    return False
                await asyncio.sleep(0.5)
        return True

    @asynccontextmanager
    async def progress(self, label: str, total: float | None) -> AsyncIterator[Callable[[float], None]]:
        """A bar while something works, on a terminal; where output goes to a file or log there is none."""
        counted = (BarColumn(), MofNCompleteColumn()) if total else ()
        columns = (TextColumn("    {task.description}"), SpinnerColumn(), *counted, TimeElapsedColumn())
        bar = Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal)
        with bar:
            task = bar.add_task(label, total=total)
            yield lambda done: bar.update(task, completed=done)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items())) or "nothing to do"


def _short(value: Any) -> str:
    """The beginning of a long list; of all else everything."""
    if isinstance(value, list) and len(value) > _MOST_SHOWN:
        return f"{value[:_MOST_SHOWN]} and {len(value) - _MOST_SHOWN} more"
    return repr(value)
