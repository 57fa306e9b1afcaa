"""The bench's report: what counts as a missed bar, and what is told of it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from local.environment import ROOT
from tests.bench.memory import peak_mib
from tests.bench.report import Line, exit_code, missed, table, to_json, write_json
from tests.bench.timing import pauses_of
from tests.bench.world import gate_apart

KEPT = Line("idle", "requests to SAP", 2, 2)
MISSED = Line("idle", "storage calls", 6, 5, "the run alone")
REPORTED = Line("first load", "ratio at 16 at once", 9.5)


def test_a_measure_that_equals_its_bar_keeps_it() -> None:
    assert KEPT.ok
    assert exit_code([KEPT]) == 0


def test_one_missed_bar_fails_the_whole_bench_and_is_named() -> None:
    assert missed([KEPT, MISSED, REPORTED]) == [MISSED]
    assert exit_code([KEPT, MISSED, REPORTED]) == 1


def test_what_is_only_reported_never_fails() -> None:
    assert exit_code([REPORTED]) == 0


def test_a_bench_that_measured_nothing_has_not_passed() -> None:
    assert exit_code([]) == 1


def test_the_table_names_the_work_once_and_tells_bars_and_verdicts() -> None:
    out = io.StringIO()
    Console(file=out, width=160).print(table([KEPT, MISSED, REPORTED]))
    text = out.getvalue()
    assert text.count("idle") == 1
    assert "≤ 5" in text
    assert "NO" in text
    assert "reported" in text
    assert "9.50" in text


def test_the_json_holds_every_line_with_its_verdict(tmp_path: Path) -> None:
    told = json.loads(to_json([KEPT, MISSED], records=10))
    assert (told["records"], told["ok"]) == (10, False)
    assert [line["ok"] for line in told["lines"]] == [True, False]
    path = tmp_path / "deep" / "bench.json"
    write_json(path, [KEPT])
    assert json.loads(path.read_text())["ok"] is True


def test_answers_during_one_pause_are_one_pause() -> None:
    assert pauses_of([]) == 0
    assert pauses_of([5.0, 5.4, 6.2]) == 1  # the second lengthened it, the third fell into it
    assert pauses_of([5.0, 6.0, 7.5]) == 3


def test_leases_of_gates_are_kept_apart_from_the_work() -> None:
    calls = {("GET", "b1gates"): 7, ("GET", "b1records"): 2, ("BATCH", "b1runs"): 1}
    assert gate_apart(calls, "b1") == {("GET", "records"): 2, ("BATCH", "runs"): 1}


def test_a_programs_peak_does_not_begin_with_that_of_the_process_that_started_it() -> None:
    ballast = bytearray(b"x") * (256 * 1024 * 1024)
    asked = "from tests.bench.memory import peak_mib; print(peak_mib())"
    told = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert 10 < float(told.stdout) < len(ballast) / 1024 / 1024 < peak_mib()
