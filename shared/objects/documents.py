"""What documents that come to SAP have in common, whichever system they come from."""

from __future__ import annotations

from collections.abc import Iterable

from shared.objects.model import Parent
from shared.ports import Row, SideName

_NOT_APPROVED = ("dasRejected", "dasCancelled")


def parents_of(wanted: Iterable[tuple[str, object]]) -> tuple[Parent, ...]:
    """The records of the other side (object, key) that a document names, each once; what it does not name is left out."""
    return tuple(dict.fromkeys(Parent(name, SideName.OTHER, str(key)) for name, key in wanted if key))


def why_not_approved(draft: Row, instead: str = "") -> str:
    """ "" while SAP's draft may still be approved, else what to do: retry without it, or what can be done ``instead``."""
    if draft.get("AuthorizationStatus") not in _NOT_APPROVED:
        return ""
    return f"Its draft was not approved in SAP. Delete the draft there and retry{instead}."
