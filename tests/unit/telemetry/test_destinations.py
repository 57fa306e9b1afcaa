"""Where telemetry goes: lines in a file, whole ones from several processes; nothing without a destination."""

from __future__ import annotations

import gzip
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from shared import logs, telemetry
from shared.telemetry.exporters import exporters
from shared.telemetry.log_lines import LogLines

RUN = "dynamics.account.fe5dec8259dbd596348b9dbd"
_PROCESS = """
import sys
from shared import telemetry
telemetry.start(telemetry.Destinations(file=sys.argv[1]))
for n in range(500):
    with telemetry.step("dynamics.account.1", f"span {n}", {"filler": "x" * 200}):
        pass
telemetry.current().flush()
"""


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    with telemetry.using(telemetry.current()):
        yield
        telemetry.current().close()
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, LogLines)]:
        root.removeHandler(handler)


def _lines(file: Path, kind: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, file.read_text().splitlines()) if line["kind"] == kind]


def test_without_a_destination_nothing_changes() -> None:
    before = telemetry.current()
    telemetry.start(telemetry.Destinations(ratio=0.5))
    assert telemetry.current() is before


def test_without_a_destination_no_sdk_is_loaded() -> None:
    code = "import sys, shared.wiring; print([m for m in sys.modules if m.startswith(('opentelemetry.sdk', 'azure.monitor'))])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_spans_metrics_and_log_lines_go_to_the_file(tmp_path: Path) -> None:
    file = tmp_path / "told.jsonl"
    telemetry.start(telemetry.Destinations(file=str(file)))
    with telemetry.step(RUN, "plan") as made:
        logs.get("shared.x").error("it failed", extra={"key": "C20000", "name": "Müller GmbH", "count": 3})
    logging.getLogger("a.library").warning("about %s", "Müller GmbH")
    logging.getLogger("a.library").info("chatter")
    logging.getLogger("azure.core.pipeline").warning("own")
    telemetry.current().measure.poison_messages.set(2, {"queue": "runs"})
    telemetry.current().flush()
    context = made.get_span_context()
    (span,) = _lines(file, "span")
    assert (span["trace"], span["span"]) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    assert span["parent"] == f"{telemetry.root_of(RUN).span_id:016x}"
    (metric,) = _lines(file, "metric")
    assert (metric["name"], metric["value"], metric["attributes"]) == ("hub.poison.messages", 2, {"queue": "runs"})
    ours, theirs = _lines(file, "log")
    assert (ours["body"], ours["level"], ours["span"]) == ("it failed", "ERROR", span["span"])
    assert (ours["attributes"]["run"], ours["attributes"]["count"]) == (RUN, 3)
    assert theirs["attributes"]["logger"] == "a.library"
    assert "Müller" not in file.read_text()
    assert "C20000" not in file.read_text()


def test_a_gauge_is_told_once_not_for_ever(tmp_path: Path) -> None:
    """A worker that swept once would else repeat an alarm, or hide one, until it ends."""
    file = tmp_path / "told.jsonl"
    telemetry.start(telemetry.Destinations(file=str(file)))
    told = telemetry.current()
    told.measure.healthy.set(0)
    told.flush()
    told.measure.requests.add(1)
    told.flush()
    told.measure.requests.add(2)
    told.flush()
    assert [(line["name"], line["value"]) for line in _lines(file, "metric")] == [
        ("hub.healthy", 0), ("hub.requests", 1), ("hub.requests", 2),
    ]  # fmt: skip


def test_several_processes_write_whole_lines(tmp_path: Path) -> None:
    file = tmp_path / "told.jsonl"
    processes = [subprocess.Popen([sys.executable, "-c", _PROCESS, str(file)]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert len(_lines(file, "span")) == 1500


def test_application_insights_receives_requests_dependencies_metrics_and_traces() -> None:
    received: list[dict[str, Any]] = []

    class Ingestion(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found = json.loads(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            received.extend(found)
            answer = json.dumps({"itemsReceived": len(found), "itemsAccepted": len(found), "errors": []}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Ingestion) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}/"
        key = "InstrumentationKey=00000000-0000-0000-0000-000000000001"
        telemetry.start(telemetry.Destinations(connection_string=f"{key};IngestionEndpoint={endpoint}"))
        telemetry.root_span(RUN, "run account", {"hub.object": "account"})
        with telemetry.step(RUN, "plan account"), telemetry.request("sap", "GET", "Orders") as sent:
            sent.answered(200)
            logs.get("shared.x").warning("a message waits", extra={"count": 3})
        telemetry.current().measure.overdue.set(1, {"template": "dynamics", "object": "account"})
        telemetry.current().close()
        server.shutdown()

    root = telemetry.root_of(RUN)
    kinds = {item["data"]["baseType"]: item for item in received if item["data"]["baseType"] != "MetricData"}
    assert set(kinds) == {"RequestData", "RemoteDependencyData", "MessageData"}
    request = kinds["RequestData"]
    assert request["data"]["baseData"]["id"] == f"{root.span_id:016x}"
    assert request["data"]["baseData"]["properties"]["hub.run"] == RUN
    assert {item["tags"]["ai.operation.id"] for item in kinds.values()} == {f"{root.trace_id:032x}"}
    assert kinds["MessageData"]["data"]["baseData"]["message"] == "a message waits"
    assert {item["iKey"] for item in received} == {"00000000-0000-0000-0000-000000000001"}
    points = [item["data"]["baseData"] for item in received if item["data"]["baseType"] == "MetricData"]
    told = {p["metrics"][0]["name"]: (p["metrics"][0]["value"], p.get("properties")) for p in points}
    assert told["hub.overdue"] == (1, {"template": "dynamics", "object": "account"})
    assert set(told) == {"hub.overdue", "hub.requests"}  # nothing about the exporter
    assert told["hub.requests"] == (1, {"system": "sap", "status_class": "2xx"})


def test_application_insights_is_entered_as_the_identity_and_nothing_is_kept_on_the_disk() -> None:
    text = "InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=https://in.example/"
    client = "00000000-0000-0000-0000-000000000002"
    (found,) = exporters(telemetry.Destinations(connection_string=text, client_id=client))
    assert not found.is_file
    for exporter in (found.spans, found.metrics, found.logs):
        assert type(exporter).__name__.startswith("AzureMonitor")
        assert type(vars(exporter)["_credential"]).__name__ == "ManagedIdentityCredential"
        assert vars(exporter)["storage"] is None
        assert vars(exporter)["_endpoint"] == "https://in.example/"
    (without,) = exporters(telemetry.Destinations(connection_string=text))
    assert vars(without.spans)["_credential"] is None


def test_the_platform_is_told_that_the_app_uses_opentelemetry() -> None:
    host = json.loads((Path(__file__).parents[3] / "host.json").read_text())
    assert host["telemetryMode"] == "OpenTelemetry"
    assert "applicationInsights" not in host["logging"]  # it has no effect in that mode
