"""The steps in their order, the environment they run in, and the table at the end."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from local.demo import care, days, goods, lead, opening, tills, trade
from local.demo.stage import ACCOUNT, Stage
from local.demo.systems import Dynamics, Sap
from local.environment import Environment

LEAST_CUSTOMERS = 12
_LOG_LINES = 15


@dataclass(frozen=True)
class Step:
    """One chapter: what it claims, and the function that shows it."""

    title: str
    claim: str
    act: Callable[[Stage], Awaitable[None]]


STEPS: tuple[Step, ...] = (
    Step("Set-up", "settings are checked where they matter, and set-up prepares SAP", opening.set_up),
    Step("Mark customers", "an admin decides who takes part, by range and account type", opening.mark),
    Step("Initialize", "the first load takes all that is marked, and doubles nothing", opening.initialize),
    Step("Compare", "both sides show the same, field by field", opening.compare_sides),
    Step("Edit both sides", "different fields merge, the same field follows its rule", days.edit_both_sides),
    Step("Resolve a conflict", "what only a person can decide waits for a person", days.resolve_conflict),
    Step("Born in Dynamics", "a new account becomes a customer with a code of the series", days.born_in_dynamics),
    Step("Again", "where nothing changed nothing is written", days.again),
    Step("Schedule", "it runs by itself, by the clock on the wall", care.schedule),
    Step("Break and mend", "a bad record fails alone, says why, and is retried", care.broken),
    Step("Open trade", "price lists are chosen from both sides; complete settings open orders", goods.open_trade),
    Step("Products", "marked items become products, with their prices to the cent", goods.products),
    Step("Prices", "a price that changes without a stamp is swept", goods.reprice),
    Step("An order", "a submitted order stands in SAP once, equal to the cent", trade.enter),
    Step("A waiting order", "what an order waits for is said, and frees it", trade.wait_for_product),
    Step("Change and close", "an open order follows; a closed one is never overwritten", trade.change_and_close),
    Step("A lead", "a look before writes nothing; then it stands in SAP as a lead, with its person", lead.enter),
    Step("Qualified", "the same partner is a customer now, with contact and opportunity", lead.qualify),
    Step("A quote", "a revision updates SAP's quotation, there is never a second one", lead.quote),
    Step("Ordered, delivered", "the order closes its quotation; deliveries are told in Dynamics", lead.order),
    Step("One of each", "one partner, contact, opportunity, quotation, order, all linked", lead.one_of_each),
    Step("Tills", "a second template: Tagrain, loaded in its order, by name and code", tills.open_shop),
    Step("A trading day", "every receipt stands in SAP once; the day ties out at zero", tills.trading_day),
    Step("An unmapped tender", "it is listed, explained, mapped, retried", tills.unmapped_tender),
    Step("No traces", "the hub keeps keys and fingerprints, no record data", care.leave_no_traces),
)


@dataclass(frozen=True)
class Result:
    """How a step went."""

    step: Step
    checks: int
    failed: int
    seconds: float


async def show(console: Console, customers: int, *, keep: bool) -> bool:
    """Tell the whole story; whether every check held. Everything started is stopped again, temporary files removed."""
    console.print("[bold]Integration Hub: SAP Business One ↔ Dynamics 365 Sales, Tagrain[/bold]")
    console.print(
        f"All systems are simulated on this machine, with {customers} invented customers. The hub itself is the real "
        "one: Azure's Python worker runs it, on queues and tables of Azurite.",
        highlight=False,
    )
    with tempfile.TemporaryDirectory(prefix="hub-demo-") as folder:
        environment = Environment(customers=customers, directory=Path(folder))
        try:
            return await _show_in(console, environment, customers, keep=keep)
        finally:
            await environment.stop()


async def _show_in(console: Console, environment: Environment, customers: int, *, keep: bool) -> bool:
    began = time.monotonic()
    try:
        with console.status("starting storage, systems and functions host"):
            await environment.start()
    except RuntimeError as error:
        console.print(f"[red]{escape(str(error))}[/red]")
        _print_logs(console, environment)
        return False
    console.print(f"Started in {time.monotonic() - began:.1f} s.", highlight=False)
    results = await _tell(console, environment, customers)
    _print_table(console, results, time.monotonic() - began)
    good = len(results) == len(STEPS) and not any(result.failed for result in results)
    if not good:
        _print_logs(console, environment)
    _print_next(console, good)
    if keep:
        await _linger(console, environment)
    return good


async def _tell(console: Console, environment: Environment, customers: int) -> list[Result]:
    """All steps, until one fails: the later ones build on the earlier."""
    described = environment.description()
    bundle = described["caBundle"]
    results: list[Result] = []
    async with Sap(described["sap"], bundle) as sap, Dynamics(described["dataverse"], bundle) as dynamics:
        stage = Stage(environment, sap, dynamics, console, customers)
        for number, step in enumerate(STEPS, 1):
            results.append(await _play(stage, number, step))
            if results[-1].failed:
                break
    return results


async def _play(stage: Stage, number: int, step: Step) -> Result:
    stage.console.print()
    stage.console.print(f"[bold]{number}. {step.title}[/bold]: {step.claim}", highlight=False)
    stage.checks.clear()
    began = time.monotonic()
    try:
        await step.act(stage)
    except Exception as error:  # noqa: BLE001 - whatever ends a step is a step that failed, and the table says so
        stage.check(f"the step came to its end ({type(error).__name__}: {error})", False)
    failed = sum(not check.holds for check in stage.checks)
    return Result(step, len(stage.checks), failed, time.monotonic() - began)


def _print_table(console: Console, results: list[Result], seconds: float) -> None:
    table = Table("step", "what was shown", "checks", "seconds", "", title="What was shown", title_justify="left")
    for number, step in enumerate(STEPS):
        result = results[number] if number < len(results) else None
        if result is None:
            table.add_row(step.title, step.claim, "", "", "not reached")
            continue
        verdict = f"[red]{result.failed} failed[/red]" if result.failed else "[green]✓[/green]"
        table.add_row(step.title, step.claim, str(result.checks), f"{result.seconds:.1f}", verdict)
    console.print()
    console.print(table)
    checks, failed = sum(r.checks for r in results), sum(r.failed for r in results)
    console.print(f"{checks} checks, {failed} failed, {seconds:.0f} s with start-up.", highlight=False)


def _print_logs(console: Console, environment: Environment) -> None:
    for log in sorted(environment.directory.glob("host-*.log")):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
        console.print(f"\nThe end of {log.name}:", highlight=False)
        for line in lines:
            console.print(f"  {line}", markup=False, highlight=False)


def _print_next(console: Console, good: bool) -> None:
    console.print("\n[bold]What next[/bold]" if good else "\n[bold red]Not every check held.[/bold red] What next")
    for line in (
        "make run          the same environment, with the hub's API on port 7071, until Ctrl-C;",
        "                  addresses, keys and credentials are then in .local/state.json",
        "make test         every test, make check every linter",
        "README.md         what to configure, the API by example, and what is emulated here",
        "",
        "With make run going, in a second terminal, the way in is:",
        "  of_hub() { .venv/bin/python -c \"import json; print(json.load(open('.local/state.json'))['hub']['$1'])\"; }",
        "  KEY=$(of_hub functionKey) ADMIN=$(of_hub adminKey)",
        '  curl -H "x-functions-key: $KEY" http://127.0.0.1:7071/api/health',
        '  curl -H "x-functions-key: $KEY" -H "X-Hub-Admin-Key: $ADMIN" -H "Content-Type: application/json" \\',
        '       -d \'{"id": "dynamics", "type": "dynamics"}\' http://127.0.0.1:7071/api/templates',
        f"then settings, setup, marks, and POST /api{ACCOUNT}/initialize, as above.",
    ):
        console.print(f"  {line}", markup=False, highlight=False)


async def _linger(console: Console, environment: Environment) -> None:
    """Leave everything running, and say where it is."""
    hub = environment.description()["hub"]
    keys = f"x-functions-key: {hub['functionKey']}  X-Hub-Admin-Key: {hub['adminKey']}"
    console.print(f"\nStill running: {hub['url']}  {keys}", highlight=False)
    console.print("Ctrl-C stops it.")
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
