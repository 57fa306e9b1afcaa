"""App settings: what the code reads, what the sample lists, what Bicep sets; the same but for the exceptions here."""

from __future__ import annotations

import json
import re
from collections.abc import Set as AbstractSet

from local.infra import ROOT
from local.infra.bicep import File
from shared.settings import AppSettings

#: Set in Azure though the hub does not read them.
ONLY_IN_AZURE = {
    "AzureWebJobsStorage__blobServiceUri": "the functions host keeps leases and keys in blobs; the hub has none",
    "AzureWebJobsStorage__credential": "tells the functions host to sign in as an identity; the hub always does",
    "PYTHON_ENABLE_OPENTELEMETRY": "tells the worker that the app sends its own telemetry",
}
#: Read by the hub, never set in Azure.
ONLY_LOCAL = {
    "AzureWebJobsStorage": "a connection string holds an account key, and those are switched off in Azure",
    "HUB_TELEMETRY_FILE": "writes telemetry to a file of one machine",
}
#: In the sample though the hub does not read them.
ONLY_IN_SAMPLE = {"FUNCTIONS_WORKER_RUNTIME": "the local functions host needs it; Flex Consumption refuses it"}

_LAMBDA_KEY = re.compile(r"connection => '(\w*)\$\{connection\.name\}(\w*)'")
_SAMPLE = ROOT / "local.settings.sample.json"


def read_by_code() -> set[str]:
    """Every name that the code reads; ``<NAME>`` stands for a name of the admin's choice."""
    return {*AppSettings.names(), *AppSettings.patterns()}


def set_by(app: File) -> set[str]:
    """Every name that ``modules/app.bicep`` sets."""
    merged = app.facts.get("resource appSettings", {}).get("properties", "")
    names: set[str] = set()
    for variable in re.findall(r"\w+", merged.removeprefix("union")):
        facts = app.facts.get(f"var {variable}", {})
        by_connection = _LAMBDA_KEY.match(facts.get("default", "").partition(", ")[2])
        names |= {f"{by_connection[1]}<NAME>{by_connection[2]}"} if by_connection else set(facts)
    return names


def in_sample() -> set[str]:
    """Every name of the sample; its one connection of Tagrain, DEMO, stands for all."""
    return {name.replace("_DEMO_", "_<NAME>_") for name in json.loads(_SAMPLE.read_text())["Values"]}


def problems(app: File) -> list[str]:
    """Settings that are in one place and not in the others, without being excepted."""
    code = read_by_code()
    azure = (code - set(ONLY_LOCAL)) | set(ONLY_IN_AZURE)
    idle = sorted(set(ONLY_LOCAL) - code)
    return [
        *_unequal("modules/app.bicep", set_by(app), azure),
        *_unequal("local.settings.sample.json", in_sample(), code | set(ONLY_IN_SAMPLE)),
        *(f"the exception for {name} excepts nothing" for name in idle),
    ]


def _unequal(where: str, has: AbstractSet[str], should: AbstractSet[str]) -> list[str]:
    return [f"{where}: {name} is missing" for name in sorted(should - has)] + [
        f"{where}: nothing reads {name}" for name in sorted(has - should)
    ]
