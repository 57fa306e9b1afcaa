"""What is deployed: nothing is removed, changed or added without the reviewed table saying so."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from local.infra import expected
from local.infra.bicep import read

FILES = expected.files()
TABLE = expected.table()
TEXTS = {name: (expected.INFRA / name).read_text() for name in FILES}


def problems(name: str, text: str) -> list[str]:
    return expected.problems({**FILES, name: read(name, text)}, TABLE)


def test_the_files_are_as_expected() -> None:
    assert expected.problems(FILES, TABLE) == []
    assert expected.wrong_parameters(FILES["main.bicep"]) == []


def removals() -> Iterator[object]:
    for name, file in FILES.items():
        for span in file.removable:
            yield pytest.param(name, span.start, span.end, id=f"{name}:{span.line}-{span.start}")


@pytest.mark.parametrize(("name", "start", "end"), list(removals()))
def test_a_property_that_is_removed_is_reported(name: str, start: int, end: int) -> None:
    source = TEXTS[name].encode()
    assert problems(name, (source[:start] + source[end:]).decode())


def versions() -> Iterator[object]:
    for name, text in TEXTS.items():
        for found in re.finditer(r"@(\d{4}-\d\d-\d\d)'", text):
            yield pytest.param(name, *found.span(1), id=f"{name}-{found.start()}")


@pytest.mark.parametrize(("name", "start", "end"), list(versions()))
def test_another_api_version_is_reported(name: str, start: int, end: int) -> None:
    text = TEXTS[name]
    assert any(".bicep: resource " in one for one in problems(name, text[:start] + "2021-02-01" + text[end:]))


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("modules/storage.bicep", "allowSharedKeyAccess: false", "allowSharedKeyAccess: true"),
        ("modules/storage.bicep", "allowSharedKeyAccess: false", "allowSharedKeyAcess: false"),
        ("modules/app.bicep", "requireAuthentication: false", "requireAuthentication: true"),
        ("modules/app.bicep", "version: '3.13'", "version: '3.12'"),
        ("modules/app.bicep", "httpsOnly: true", "httpsOnly: true\n    clientCertEnabled: true"),
        ("modules/app.bicep", "easyAuthEnabled ? 'true' : 'false'", "'true'"),
        ("modules/vault.bicep", "if (!empty(sapPassword)) ", ""),
        ("modules/network.bicep", "@onlyIfNotExists()\n", ""),
        ("main.bicep", "param easyAuthEnabled bool = true", "param easyAuthEnabled bool = false"),
        ("main.bicep", "if (vnetEnabled) ", ""),
    ],
)
def test_what_is_changed_or_added_is_reported(name: str, before: str, after: str) -> None:
    assert before in TEXTS[name]
    assert problems(name, TEXTS[name].replace(before, after, 1))


@pytest.mark.parametrize("name", TEXTS)
def test_syntax_errors_are_reported_by_line(name: str) -> None:
    assert problems(name, TEXTS[name] + "\nresource x 'a' = {{\n")[0].startswith(f"{name}:")


def test_a_file_that_nobody_reviewed_is_reported() -> None:
    stray = read("modules/stray.bicep", "param a string\n")
    assert expected.problems({**FILES, stray.name: stray}, TABLE)
    assert expected.problems({name: FILES[name] for name in FILES if name != "modules/vault.bicep"}, TABLE)


def test_the_identity_has_exactly_these_roles() -> None:
    assert sorted(expected.assigned(FILES)) == sorted(expected.ASSIGNED)
    principals = {
        facts["properties.principalId"]
        for file in FILES.values()
        for facts in file.facts.values()
        if "roleAssignments@" in facts.get("type", "")
    }
    assert principals == {"principalId"}


@pytest.mark.parametrize(
    ("name", "before", "after", "told"),
    [
        (
            "modules/storage.bicep",
            "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
            "b24988ac-6180-42a0-ab88-20f7382dd24c",
            "lacks",
        ),
        ("modules/storage.bicep", "scope: account", "scope: resourceGroup()", "more than"),
        ("modules/vault.bicep", "scope: vault\n", "", "more than"),
    ],
)
def test_a_role_that_is_wider_or_another_is_reported(name: str, before: str, after: str, told: str) -> None:
    """By the rule of roles itself: also where somebody changed the table with it."""
    assert before in TEXTS[name]
    changed = {**FILES, name: read(name, TEXTS[name].replace(before, after, 1))}
    agreeing = {one: file.facts for one, file in changed.items()}
    assert any(told in one for one in expected.problems(changed, agreeing))


@pytest.mark.parametrize(
    ("name", "before", "after", "told"),
    [
        ("modules/vault.bicep", "output uri string", "output address string", "module vault has no output uri"),
        ("modules/network.bicep", "output appSubnetId", "output subnet", "module network has no output appSubnetId"),
        ("modules/app.bicep", "param hubTimes string\n", "", "module app does not take hubTimes"),
        ("main.bicep", "    hubTimes: hubTimes\n", "", "module app lacks hubTimes"),
        ("main.bicep", "'modules/vault.bicep'", "'modules/safe.bicep'", "there is no modules/safe.bicep"),
    ],
)
def test_modules_fit_together(name: str, before: str, after: str, told: str) -> None:
    assert before in TEXTS[name]
    changed = {**FILES, name: read(name, TEXTS[name].replace(before, after, 1))}
    assert any(told in one for one in expected.problems(changed, {one: file.facts for one, file in changed.items()}))


def test_every_secret_is_written_once_at_most() -> None:
    secrets = [
        facts
        for file in FILES.values()
        for facts in file.facts.values()
        if facts.get("type", "").startswith("Microsoft.KeyVault/vaults/secrets@")
    ]
    assert len(secrets) == 7
    assert all("@onlyIfNotExists" in facts for facts in secrets)


def test_no_deployment_names_the_state() -> None:
    """Tables and queues are the hub's own; what no template names, no redeployment touches."""
    types = {facts.get("type", "") for file in FILES.values() for facts in file.facts.values()}
    assert not [one for one in types if re.search(r"tableServices|queueServices", one)]


def test_a_parameter_file_that_does_not_fit_is_reported() -> None:
    text = TEXTS["main.bicep"]
    more = read("main.bicep", text + "\nparam another string\n")
    less = read("main.bicep", text.replace("param hubTimes string = ''\n", ""))
    assert expected.wrong_parameters(more) == ["main.parameters.json: another is missing"]
    assert expected.wrong_parameters(less) == ["main.parameters.json: hubTimes is not a parameter"]


def test_a_default_that_main_bicep_does_not_have_is_reported() -> None:
    other = read(
        "main.bicep", TEXTS["main.bicep"].replace("param hubSliceSize int = 100", "param hubSliceSize int = 50")
    )
    assert expected.wrong_parameters(other) == [
        "main.parameters.json: hubSliceSize is 100 by default, and 50 in main.bicep"
    ]
