"""Checks by programs of others, kept in a virtual environment of their own: checkov and Azure Functions Doctor.

checkov's declared parser cannot read all of Bicep and a newer one contradicts its metadata, so that environment is made
from a complete list without resolving (``infra/requirements-checks.txt``).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from local.infra import ROOT

BIN = ROOT / ".venv-infra" / "bin"
SKIPS = ROOT / "infra" / "checkov-skips.yaml"

#: Rules of the doctor that must pass; the others may warn or not apply, but none may fail.
MUST_PASS = (
    "check_azure_functions_library",
    "check_azure_functions_worker",
    "check_dev_storage_connection",
    "check_extension_bundle",
    "check_extension_bundle_v4",
    "check_flex_deprecated_settings",
    "check_funcignore",
    "check_host_json",
    "check_host_json_version",
    "check_hosting_plan_lifecycle",
    "check_python_runtime_lifecycle",
    "check_python_version",
    "check_requirements_txt",
    "check_unpinned_requirements",
    "check_unused_files",
)


def checkov() -> list[str]:
    """What checkov finds in ``infra/`` beyond the reviewed list; and what it could not read or try."""
    command = [str(BIN / "checkov"), "--directory", str(ROOT / "infra"), "--framework", "bicep", "--skip-download"]
    ordered = {**os.environ, "PYTHONHASHSEED": "0"}  # in what order it resolves names depends on it
    ran = subprocess.run(
        [*command, "--output", "json", "--quiet"], capture_output=True, text=True, check=False, env=ordered
    )
    report = _document(ran.stdout)
    skips = yaml.safe_load(SKIPS.read_text())
    crashed = [line.strip() for line in ran.stderr.splitlines() if "Failed to run check" in line]
    return [f"checkov: {one}" for one in crashed] + checkov_problems(report, skips)


def checkov_problems(report: Any, skips: list[dict[str, Any]]) -> list[str]:
    """What a report of checkov means, given the reviewed list: entries of ``check``, ``resources`` and ``reason``.

    No report, parse errors and a report that checked nothing are problems, as checkov calls all three a success.
    """
    if not isinstance(report, Mapping) or "summary" not in report:
        return ["checkov: there is no report, so nothing was checked"]
    summary, wrong = report["summary"], []
    if summary["parsing_errors"]:
        wrong.append(f"checkov: {summary['parsing_errors']} files cannot be read")
    if not summary["passed"]:
        wrong.append("checkov: no check passed, so nothing was checked")
    failed = {(one["check_id"], one["resource"]): one for one in report["results"]["failed_checks"]}
    allowed = {(entry["check"], resource) for entry in skips for resource in entry["resources"]}
    wrong += [f"checkov-skips.yaml: {entry['check']} has no reason" for entry in skips if not entry.get("reason")]
    for key in sorted(set(failed) - allowed):
        wrong.append(f"checkov: {key[0]} {failed[key]['file_path'].lstrip('/')} {key[1]}: {failed[key]['check_name']}")
    wrong += [f"checkov-skips.yaml: {check} no longer fails on {one}" for check, one in sorted(allowed - set(failed))]
    return wrong


def deployed() -> set[str]:
    """The top-level files and folders that ``.funcignore`` leaves in the package."""
    lines = (ROOT / ".funcignore").read_text().splitlines()
    patterns = [line.rstrip("/") for line in lines if line and not line.startswith("#")]
    names = {path.name for path in ROOT.iterdir()}
    return {name for name in names if not any(fnmatch(name, pattern) for pattern in patterns)}


def doctor() -> list[str]:
    """What Azure Functions Doctor finds in what would be deployed, and in ``infra/``.

    It looks at a copy of those: told to, it would walk through all virtual environments before it ignores them.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name in sorted({*deployed(), ".funcignore", "infra"}):
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, Path(folder, name), ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder)
        command = [str(BIN / "azure-functions-doctor"), "doctor", "--path", folder, "--profile", "deploy"]
        for_plan = ["--hosting-plan", "flex-consumption", "--target-python", "3.13", "--format", "json"]
        ran = subprocess.run([*command, *for_plan], capture_output=True, text=True, check=False, cwd=folder)
    return doctor_problems(_document(ran.stdout))


def doctor_problems(report: Any) -> list[str]:
    """What a report of the doctor means: chosen rules that did not pass, and any that failed."""
    rules = {one["rule_id"]: one for one in _rules(report)}
    wrong = [f"doctor: {name} was not looked at" for name in MUST_PASS if name not in rules]
    for name, rule in sorted(rules.items()):
        if rule["status"] == "fail" or (name in MUST_PASS and rule["status"] != "pass"):
            wrong.append(f"doctor: {name}: {rule['status']}: {rule['value']}")
    return wrong


def _rules(report: Any) -> list[dict[str, Any]]:
    if isinstance(report, list):
        return [rule for one in report for rule in _rules(one)]
    if not isinstance(report, dict):
        return []
    if "rule_id" in report and "status" in report:
        return [report]
    return [rule for one in report.values() for rule in _rules(one)]


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
