"""The branches that a business partner of SAP is assigned to; only for companies with branches."""

from __future__ import annotations

from collections.abc import Sequence

from shared.ports import Row

ASSIGNMENT = "BPBranchAssignment"


def with_branches(branches: Sequence[int]) -> Row:
    """What a new partner carries so that it is assigned to these branches."""
    return {ASSIGNMENT: [_branch(branch) for branch in branches]} if branches else {}


def missing_branches(partner: Row, branches: Sequence[int]) -> Row:
    """What an update carries so that the partner is assigned to these branches too; its others stay."""
    assigned = {row.get("BPLID") for row in partner.get(ASSIGNMENT) or ()}
    missing = [branch for branch in branches if branch not in assigned]
    rows = [{**_branch(branch), "BPCode": partner["CardCode"]} for branch in missing]
    return {ASSIGNMENT: rows} if rows else {}


def _branch(branch: int) -> Row:
    return {"BPLID": branch, "DisabledForBP": "tNO"}
