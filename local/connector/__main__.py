"""``python -m local.connector``: write the connector's files; for your own hub with its address and app registration."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.connector.properties import Registration, api_properties
from local.connector.swagger import api_definition
from local.environment import ROOT

DIRECTORY = ROOT / "infra" / "power-automate"
HOST = "your-hub.azurewebsites.net"
REGISTRATION = Registration("00000000-0000-0000-0000-000000000000", "common")


def files(host: str = HOST, registration: Registration = REGISTRATION) -> Mapping[str, dict[str, Any]]:
    """What the connector is made of, by file name."""
    return {
        "apiDefinition.swagger.json": api_definition(host, registration),
        "apiProperties.json": api_properties(registration),
    }


def text_of(content: Mapping[str, Any]) -> str:
    """A file's text."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and write."""
    parser = argparse.ArgumentParser(prog="python -m local.connector", description=__doc__)
    parser.add_argument("--host", default=HOST, help="the hub's host name")
    parser.add_argument("--client-id", default=REGISTRATION.client_id, help="of the hub's app registration")
    parser.add_argument("--tenant", default=REGISTRATION.tenant, help="the Entra tenant's id")
    parser.add_argument("--to", type=Path, default=DIRECTORY, help="where to write")
    told = parser.parse_args(arguments)
    told.to.mkdir(parents=True, exist_ok=True)
    for name, content in files(told.host, Registration(told.client_id, told.tenant)).items():
        (told.to / name).write_text(text_of(content), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
