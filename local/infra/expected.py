"""What the Bicep must say: the reviewed table, and the rules that hold whatever the table says.

``expected.yaml`` has a row for every fact of every declaration, so that nothing is removed, changed or added without
someone saying so there, and why.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from local.infra import ROOT
from local.infra.bicep import File, read

INFRA = ROOT / "infra"
#: A row's value where any will do as long as there is one.
PRESENT = "present"
#: By declaration and path: the value expected.
type Rows = dict[str, dict[str, str]]

#: Built-in roles of Azure that the identity gets, by id (Azure built-in roles, Microsoft Learn).
ROLES = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
}
#: Exactly these, each on one resource and nothing wider.
ASSIGNED = {
    ("modules/storage.bicep account", "Storage Blob Data Owner"),
    ("modules/storage.bicep account", "Storage Queue Data Contributor"),
    ("modules/storage.bicep account", "Storage Table Data Contributor"),
    ("modules/vault.bicep vault", "Key Vault Secrets User"),
    ("modules/monitoring.bicep insights", "Monitoring Metrics Publisher"),
}


def files() -> dict[str, File]:
    """Every Bicep file there is, by its path in ``infra/``."""
    names = sorted(path.relative_to(INFRA).as_posix() for path in INFRA.rglob("*.bicep"))
    return {name: read(name, (INFRA / name).read_text()) for name in names}


def table() -> dict[str, Rows]:
    """The reviewed table by file. ValueError for a row that nobody gave a reason for."""
    found: dict[str, Rows] = {}
    for name, declarations in yaml.safe_load((Path(__file__).parent / "expected.yaml").read_text()).items():
        for declaration, rows in declarations.items():
            reason = rows.pop("why", None)
            for path, row in rows.items():
                if not (reason or (isinstance(row, list) and row[1])):
                    raise ValueError(f"expected.yaml: {name}: {declaration}: {path} has no reason")
            plain = {path: row[0] if isinstance(row, list) else row for path, row in rows.items()}
            found.setdefault(name, {})[declaration] = plain
    return found


def problems(found: Mapping[str, File], expected: Mapping[str, Rows]) -> list[str]:
    """Everything that is wrong with the files, in words; nothing where all is as it should be."""
    broken = [error for file in found.values() for error in file.errors]
    return broken or [
        *(one for name in sorted({*found, *expected}) for one in _differences(name, found, expected)),
        *_wrong_roles(found),
        *_wrong_wiring(found),
    ]


def _differences(name: str, found: Mapping[str, File], expected: Mapping[str, Rows]) -> Iterator[str]:
    facts: Rows = found[name].facts if name in found else {}
    rows = expected.get(name, {})
    for declaration in sorted({*facts, *rows}):
        has, should = facts.get(declaration), rows.get(declaration)
        if has is None or should is None:
            yield f"{name}: {declaration} {'is missing' if has is None else 'is not in the table'}"
            continue
        for path in sorted({*has, *should}):
            if path not in has:
                yield f"{name}: {declaration}: {path} is missing"
            elif path not in should:
                yield f"{name}: {declaration}: {path} is not in the table"
            elif should[path] not in (PRESENT, has[path]):
                yield f"{name}: {declaration}: {path} is {has[path]}, not {should[path]}"


def assigned(found: Mapping[str, File]) -> Iterator[tuple[str, str]]:
    """The role assignments: the resource that each is on, and the role's name (its text where that is not known)."""
    for name, file in found.items():
        for facts in file.facts.values():
            if not facts.get("type", "").startswith("Microsoft.Authorization/roleAssignments@"):
                continue
            role = facts.get("properties.roleDefinitionId", "").rstrip(")").split(", ")[-1]
            identifier = file.facts.get(f"var {role}", {}).get("default", role).strip("'")
            scope = facts.get("scope", "everything")
            yield f"{name} {scope}", ROLES.get(identifier, identifier)


def _wrong_roles(found: Mapping[str, File]) -> Iterator[str]:
    there = list(assigned(found))
    for scope, role in sorted(ASSIGNED - set(there)):
        yield f"{scope}: the identity lacks {role}"
    for scope, role in there:
        if (scope, role) not in ASSIGNED or there.count((scope, role)) > 1:
            yield f"{scope}: {role} is more than the identity needs"


def _wrong_wiring(found: Mapping[str, File]) -> Iterator[str]:
    """What a compiler would say of modules: parameters and outputs that only one side knows."""
    for name, file in found.items():
        for declaration, facts in file.facts.items():
            if not declaration.startswith("module "):
                continue
            module = found.get(facts["type"])
            if module is None:
                yield f"{name}: {declaration}: there is no {facts['type']}"
                continue
            passed = {path.split(".")[1] for path in facts if path.startswith("params.")}
            taken = {one[6:]: rest for one, rest in module.facts.items() if one.startswith("param ")}
            needed = {one for one, rest in taken.items() if "default" not in rest}
            yield from (f"{name}: {declaration} does not take {one}" for one in sorted(passed - set(taken)))
            yield from (f"{name}: {declaration} lacks {one}" for one in sorted(needed - passed))
            used = re.findall(rf"\b{declaration[7:]}!?\.outputs\.(\w+)", " ".join(_values(file)))
            for one in sorted({one for one in used if f"output {one}" not in module.facts}):
                yield f"{name}: {declaration} has no output {one}"


def _values(file: File) -> Iterator[str]:
    for facts in file.facts.values():
        yield from facts.values()


def wrong_parameters(main: File) -> list[str]:
    """What is wrong with ``main.parameters.json``: names or defaults other than main.bicep's, shared variables."""
    values = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    declared = {one[6:] for one in main.facts if one.startswith("param ")}
    wrong = [f"main.parameters.json: {one} is not a parameter" for one in sorted(set(values) - declared)]
    wrong += [f"main.parameters.json: {one} is missing" for one in sorted(declared - set(values))]
    texts = {name: one["value"] for name, one in values.items() if isinstance(one["value"], str)}
    parts = {name: text.removeprefix("${").removesuffix("}").partition("=") for name, text in texts.items()}
    variables = [variable for variable, _, _ in parts.values()]
    for name, (_, given, default) in parts.items():
        declared_default = main.facts.get(f"param {name}", {}).get("default", "").strip("'")
        if given and default != declared_default:
            wrong.append(f"main.parameters.json: {name} is {default} by default, and {declared_default} in main.bicep")
    wrong += [
        f"main.parameters.json: {one} is used twice" for one in sorted(set(variables)) if variables.count(one) > 1
    ]
    return wrong
