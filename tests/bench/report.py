"""What was measured against what was promised: lines, a table for people, JSON for programs, an exit code.

A line without a bar is reported and never gated.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table


@dataclass(frozen=True)
class Line:
    """One figure of one piece of work. ``bar`` is the most it may be; None where it is only reported."""

    work: str
    figure: str
    measured: float
    bar: float | None = None
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether the bar is kept; a line without one always is."""
        return self.bar is None or self.measured <= self.bar


def missed(lines: Sequence[Line]) -> list[Line]:
    """The lines whose bar is missed."""
    return [line for line in lines if not line.ok]


def exit_code(lines: Sequence[Line]) -> int:
    """0 if every bar is kept and something was measured at all, else 1."""
    return 0 if lines and not missed(lines) else 1


def table(lines: Sequence[Line]) -> Table:
    """For people: the work is named once, on its first line."""
    shown = Table("work", "figure", "measured", "bar", "ok", "how", title="How fast the hub is")
    before = ""
    for line in lines:
        if line.work != before:
            shown.add_section()
        work = line.work if line.work != before else ""
        shown.add_row(work, line.figure, _number(line.measured), _bar(line), _verdict(line), line.note)
        before = line.work
    return shown


def to_json(lines: Sequence[Line], **circumstances: Any) -> str:
    """For programs: every line with its verdict, and what the run was like."""
    body = {**circumstances, "ok": exit_code(lines) == 0, "lines": [{**asdict(line), "ok": line.ok} for line in lines]}
    return json.dumps(body, indent=2) + "\n"


def write_json(path: Path, lines: Sequence[Line], **circumstances: Any) -> None:
    """Write it to a file, with the directories it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_json(lines, **circumstances))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def _bar(line: Line) -> str:
    return "reported" if line.bar is None else f"≤ {_number(line.bar)}"


def _verdict(line: Line) -> str:
    if line.bar is None:
        return ""
    return "[green]yes[/green]" if line.ok else "[red]NO[/red]"
