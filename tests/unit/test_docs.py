"""The guides: every route, setting, parameter, alert and role that they name exists, and every existing one is named."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from shared.settings import AppSettings
from shared.sync.hub import MESSAGE_VERSION
from shared.times import Times
from shared.triggers.http import OPERATIONS
from shared.triggers.http.calls import Operation
from shared.triggers.http.roles import Role
from tests.unit.app_index import triggers

ROOT = Path(__file__).resolve().parent.parent.parent
GUIDES = {path.name: path.read_text() for path in sorted((ROOT / "docs").glob("*.md"))}
README = (ROOT / "README.md").read_text()
ALL = "\n".join([README, *GUIDES.values()])
BICEP = (ROOT / "infra" / "main.bicep").read_text()
ALERTS = (ROOT / "infra" / "modules" / "alerts.bicep").read_text()
PARAMETERS = json.loads((ROOT / "infra" / "main.parameters.json").read_text())["parameters"]

ROUTES = {(operation.method, f"/{operation.route}") for operation in OPERATIONS}
ENVIRONMENT = set(re.findall(r"\$\{(\w+)", json.dumps(PARAMETERS)))
OUTPUTS = set(re.findall(r"^output (\w+) ", BICEP, re.MULTILINE))
SECRETS = {
    name.replace("-", "_")
    for name in re.findall(r"'([A-Z]+(?:-[A-Z]+)+)'", (ROOT / "infra" / "modules" / "vault.bicep").read_text())
}
RULES = re.findall(r"^    name: '([\w-]+)'$", ALERTS, re.MULTILINE)


def shaped(path: str) -> str:
    """An address of an example as its route: what stands for names is as long as it likes."""
    return re.sub(r"\{\w+\}", "{}", path.partition("?")[0].rstrip("/"))


@dataclass(frozen=True)
class Called:
    """A call of a shell example."""

    method: str
    path: str
    body: str


def called(text: str) -> Iterator[Called]:
    """Every call of the shell examples, with the bodies that stand there."""
    shell = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    shell = re.sub(r"\s+#\s.*", "", shell)  # a comment may hold half a pair of quotes
    for line in re.findall(r"^hub (?:[^'\n]|'[^']*')*", shell, re.MULTILINE):
        method = re.search(r"-X\s+(\w+)", line)
        address = re.search(r"\$HUB(/[^\s\"'|#]*)", line)
        assert address, line
        body = re.search(r"-d '([^']*)'", line)
        yield Called(method[1] if method else "GET", address[1], body[1] if body else "")


def served_by(call: Called) -> Operation | None:
    """The operation that takes this address."""
    path = call.path.partition("?")[0]
    for operation in OPERATIONS:
        pattern = re.sub(r"\{\w+\}", "[^/]+", operation.route)
        if operation.method == call.method and re.fullmatch("/" + pattern, path):
            return operation
    return None


# --- routes and roles -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("guide", ["README.md", *GUIDES])
def test_every_call_in_an_example_is_one_that_the_app_takes(guide: str) -> None:
    text = README if guide == "README.md" else GUIDES[guide]
    calls = list(called(text))
    assert calls or guide in ("costs.md", "telemetry.md")
    for call in calls:
        operation = served_by(call)
        assert operation is not None, call
        operation.query.model_validate(dict(parse_qsl(call.path.partition("?")[2])))
        if call.body:
            operation.body.model_validate_json(call.body)


def test_every_route_that_is_named_exists_and_every_one_is_named() -> None:
    served = {(method, shaped(route)) for method, route in ROUTES}
    named = {(m, shaped(path)) for m, path in re.findall(r"`(GET|POST|PUT|DELETE) (/[^`\s]*)`", ALL)}
    assert named == served


def test_every_role_that_is_named_exists_and_every_one_is_named() -> None:
    assert set(re.findall(r"\bHub\.[A-Z]\w+", ALL)) == {role.claim for role in Role}
    (made,) = re.findall(r"roles\.json <<'END'\n(.*?)\nEND\n", GUIDES["deploy.md"], re.DOTALL)
    assert [one["value"] for one in json.loads(made)] == [role.claim for role in Role]


def test_every_problem_that_a_guide_tells_of_is_one_that_the_code_answers() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "shared").rglob("*.py"))
    told = set(re.findall(r"\b40[0-9] `([a-z-]+)`", ALL))
    assert told
    assert {kind for kind in told if f'"{kind}"' not in code} == set()


# --- settings and parameters ------------------------------------------------------------------------------------------


def test_every_setting_parameter_and_secret_that_is_named_exists() -> None:
    known = {*AppSettings.names(), *AppSettings.patterns(), *ENVIRONMENT, *OUTPUTS, *SECRETS}
    named = set(
        re.findall(
            r"\b(?:HUB|SAP|DATAVERSE|TAGRAIN|AZURE|VNET|SCHEDULE|SWEEPER|APPLICATIONINSIGHTS)_[A-Z_<>]+[A-Z>]",
            "\n".join(GUIDES.values()),
        )
    )
    assert named
    assert named - known == set()
    secrets = set(re.findall(r"\b(?:HUB|SAP|DATAVERSE)-[A-Z-]+\b", "\n".join(GUIDES.values())))
    assert secrets == {name.replace("_", "-") for name in SECRETS}


def test_every_app_setting_is_named() -> None:
    assert {name for name in AppSettings.names() if f"`{name}`" not in ALL} == set()


def test_what_is_set_with_azd_is_a_parameter_of_the_deployment() -> None:
    names = re.findall(r"azd env set (\w+)", ALL)
    assert set(names) <= ENVIRONMENT
    assert {"SAP_BASE_URL", "SAP_COMPANY_DB", "SAP_USER", "HUB_AUTH_CLIENT_ID"} <= set(names)
    assert set(re.findall(r"(?:of_azd|get-value) ([A-Z_]+)", ALL)) <= OUTPUTS


def test_every_parameter_that_must_be_given_is_given_in_the_guide() -> None:
    needed = re.findall(r"^param (\w+) \w+$", BICEP, re.MULTILINE)
    by_azd = {"environmentName": "AZURE_ENV_NAME", "location": "AZURE_LOCATION"}
    for name in needed:
        setting = PARAMETERS[name]["value"].strip("${}").partition("=")[0]
        assert by_azd.get(name) == setting or f"azd env set {setting} " in GUIDES["deploy.md"], name


def test_every_duration_that_a_guide_names_is_one_of_the_hubs_with_its_default() -> None:
    told = re.findall(r"`((?:health|claim|run|gate|parked)_\w+)`(?: \((\d+))?", "\n".join(GUIDES.values()))
    defaults = Times().model_dump()
    assert {name for name, _ in told} <= set(defaults)
    assert {name for name, _ in told} >= {name for name in defaults if name.startswith("health_")}
    assert {name: float(value) for name, value in told if value} == {
        name: defaults[name] for name, value in told if value
    }
    assert MESSAGE_VERSION == 1  # docs/upgrade.md says that no version had to migrate anything yet


# --- alerts -----------------------------------------------------------------------------------------------------------


def test_every_alert_has_a_chapter_and_every_chapter_an_alert() -> None:
    chapters = re.findall(r"^## `([\w-]+)`", GUIDES["alerts.md"], re.MULTILINE)
    assert RULES
    assert sorted(chapters) == sorted(RULES)


def test_the_alerts_thresholds_in_the_guide_are_those_of_the_deployment() -> None:
    for parameter, setting in (
        ("failedRecordsThreshold", "HUB_FAILED_RECORDS_THRESHOLD"),
        ("serverErrorsThreshold", "HUB_SERVER_ERRORS_THRESHOLD"),
    ):
        (default,) = re.findall(rf"^param {parameter} int = (\d+)$", BICEP, re.MULTILINE)
        assert f"`{setting}` ({default})" in GUIDES["alerts.md"]
        assert PARAMETERS[parameter]["value"].startswith(f"${{{setting}")


# --- costs ------------------------------------------------------------------------------------------------------------


def test_the_costs_are_what_the_arithmetic_in_the_guide_gives() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", GUIDES["costs.md"], re.DOTALL)
    (table,) = re.findall(r"```text\n(.*?)```", GUIDES["costs.md"], re.DOTALL)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    assert printed.getvalue() == table


def test_what_the_costs_say_of_the_hub_is_so() -> None:
    figures: dict[str, float] = {}
    (code,) = re.findall(r"```python\n(.*?)```", GUIDES["costs.md"], re.DOTALL)
    with contextlib.redirect_stdout(io.StringIO()):
        exec(code, figures)
    timers = [one["schedule"] for one in triggers() if one["type"] == "timerTrigger"]
    assert figures["TIMERS"] == timers.count("%SCHEDULE_TICK%")
    assert AppSettings.model_fields["schedule_tick"].default == f"0 */{60 // int(figures['TICKS_PER_HOUR'])} * * * *"
    assert AppSettings.model_fields["sweeper_tick"].default == "0 * * * * *"
    assert f"param instanceMemoryMB int = {int(figures['MEMORY_GB'] * 1024)}\n" in BICEP
    assert figures["ALERTS"] == len(RULES)
    assert "evaluationFrequency: 'PT5M'" in ALERTS


# --- links ------------------------------------------------------------------------------------------------------------


def test_every_link_within_the_project_leads_somewhere() -> None:
    for where, text in (("README.md", README), *((f"docs/{name}", text) for name, text in GUIDES.items())):
        for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
            path, _, anchor = target.partition("#")
            file = ((ROOT / where).parent / path).resolve() if path else ROOT / where
            assert file.exists(), (where, target)
            if anchor:
                assert anchor in _anchors(file.read_text()), (where, target)


def test_the_readme_leads_to_every_guide() -> None:
    assert {name for name in GUIDES if f"(docs/{name}" not in README} == set()


def _anchors(text: str) -> set[str]:
    """Of headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
