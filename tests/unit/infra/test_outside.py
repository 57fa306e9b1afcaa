"""What the reports of checkov and the doctor mean; above all that a check that did nothing is not a success."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from local.infra import outside

SKIPS = [{"check": "CKV_1", "resources": ["A.a"], "reason": "for a reason"}]


def report(*failed: tuple[str, str], passed: int = 3, parsing_errors: int = 0) -> dict[str, Any]:
    rows = [
        {"check_id": check, "resource": resource, "file_path": "/main.bicep", "check_name": "is safe"}
        for check, resource in failed
    ]
    return {"summary": {"passed": passed, "parsing_errors": parsing_errors}, "results": {"failed_checks": rows}}


def test_what_is_accepted_is_no_problem() -> None:
    assert outside.checkov_problems(report(("CKV_1", "A.a")), SKIPS) == []


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (None, "there is no report"),
        ([], "there is no report"),
        (report(("CKV_1", "A.a"), passed=0), "no check passed"),
        (report(("CKV_1", "A.a"), parsing_errors=1), "1 files cannot be read"),
        (report(("CKV_1", "A.a"), ("CKV_2", "A.a")), "CKV_2 main.bicep A.a: is safe"),
        (report(("CKV_1", "A.a"), ("CKV_1", "B.b")), "CKV_1 main.bicep B.b"),
        (report(), "CKV_1 no longer fails on A.a"),
    ],
)
def test_anything_else_is(found: Any, told: str) -> None:
    assert any(told in one for one in outside.checkov_problems(found, SKIPS))


def test_every_skip_has_a_reason() -> None:
    skips = yaml.safe_load(outside.SKIPS.read_text())
    assert all(one["reason"] and one["resources"] for one in skips)
    bare = [{**SKIPS[0], "reason": ""}]
    assert outside.checkov_problems(report(("CKV_1", "A.a")), bare) == ["checkov-skips.yaml: CKV_1 has no reason"]


def rules(**status: str) -> dict[str, Any]:
    all_pass = {**dict.fromkeys(outside.MUST_PASS, "pass"), "check_other": "warn", **status}
    return {"results": [{"items": [{"rule_id": k, "status": v, "value": "so"} for k, v in all_pass.items()]}]}


def test_the_doctor_must_have_looked_and_passed() -> None:
    assert outside.doctor_problems(rules()) == []
    assert outside.doctor_problems(rules(check_other="fail")) == ["doctor: check_other: fail: so"]
    for status in ("warn", "fail", "skip"):
        assert outside.doctor_problems(rules(check_host_json=status)) == [f"doctor: check_host_json: {status}: so"]
    assert len(outside.doctor_problems(None)) == len(outside.MUST_PASS)


def test_only_what_runs_is_deployed() -> None:
    assert outside.deployed() == {"function_app.py", "host.json", "requirements.txt", "shared"}
