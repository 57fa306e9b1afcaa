"""The README names every route, app setting, table, queue and template setting of the code, and none else."""

from __future__ import annotations

import re
from pathlib import Path

from shared.objects.dynamics.settings import DynamicsSettings
from shared.objects.tagrain.settings import TagrainSettings
from shared.settings import AppSettings
from shared.stores.queues import QUEUES
from shared.triggers.http.callers import ADMIN_KEY_HEADER, PRINCIPAL_HEADER
from shared.triggers.http.roles import Role
from tests.unit.app_index import triggers

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text()


def _section(title: str) -> str:
    start = README.index(f"\n## {title}\n") if f"\n## {title}\n" in README else README.index(f"\n### {title}\n")
    rest = README[start + 4 :]
    end = re.search(r"\n##+ ", rest)
    return rest[: end.start()] if end else rest


def test_the_api_table_names_every_route_and_no_other() -> None:
    told = set(re.findall(r"`(GET|POST|PUT|DELETE) (/[^`?]*)`", _section("The API")))
    routes = {
        (str(m).split(".")[-1], f"/{t['route']}")
        for t in triggers()
        if t["type"] == "httpTrigger"
        for m in t["methods"]
    }
    assert told == routes


def test_the_roles_and_the_names_of_who_did_what_are_those_of_the_code() -> None:
    text = _section("Roles")
    assert re.findall(r"^\| `(Hub\.\w+)` \|", text, re.MULTILINE) == [role.claim for role in Role]
    assert f"`{ADMIN_KEY_HEADER}`" in text.lower()
    assert f"`{PRINCIPAL_HEADER}`" in text.lower()
    shown = {"by", "cancelledBy", "changedBy", "markedBy", "linkedBy"}
    assert shown <= set(re.findall(r"`(\w+)`", text))


def test_every_app_setting_is_explained_and_no_other() -> None:
    told = set(re.findall(r"`([A-Z]\w+)`", _section("App settings").replace("`https://host:50000/b1s/v2`", "")))
    assert told == set(AppSettings.names())


def test_every_setting_of_the_dynamics_template_is_named() -> None:
    names = {f.alias or name for name, f in DynamicsSettings.model_fields.items()}
    told = set(re.findall(r"`(\w+)`", _section("For the SAP admin: from nothing to synchronized")))
    assert names <= told, names - told


def test_every_setting_of_the_tagrain_template_is_named() -> None:
    names = {f.alias or name for name, f in TagrainSettings.model_fields.items()}
    told = set(re.findall(r"`(\w+)`", _section("Tagrain tills")))
    assert names <= told, names - told


def test_state_names_the_queues_that_aretriggers() -> None:
    told = set(re.findall(r"`([a-z]+)`", _section("State")))
    triggered = {str(t["queueName"]) for t in triggers() if t["type"] == "queueTrigger"}
    assert {q for q in triggered if not q.endswith("-poison")} == set(QUEUES)
    assert set(QUEUES) <= told


def test_state_names_the_tables_that_stores_open() -> None:
    told = set(re.findall(r"`([a-z]+)`", _section("State")))
    opened = {
        name
        for path in (ROOT / "shared" / "stores").glob("*.py")
        for name in re.findall(r'tables\.table\("(\w+)"\)', path.read_text())
    }
    assert opened <= told, opened - told
