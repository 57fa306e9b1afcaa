"""What an authorizer does in SAP with a draft that awaits approval; tests play it through ``/_sim/approvals/{draft}``."""

from __future__ import annotations

from local.schema import EntitySet
from local.simulators.service_layer.company import Company
from local.simulators.service_layer.entities import Entities
from local.simulators.service_layer.errors import SapError
from local.simulators.service_layer.store import Row

_OF_THE_DRAFT = frozenset(
    ["DocEntry", "DocNum", "Series", "AuthorizationStatus", "CreationDate", "DocTime", "UpdateDate", "UpdateTime"]
)


class Approvals:
    """Decides on drafts."""

    def __init__(self, company: Company, entities: Entities) -> None:
        self._company = company
        self._entities = entities

    def approve(self, entry: int) -> Row:
        """The draft becomes an order with a number of its own and the same user fields; the draft stays, closed.

        Raises KeyError for an unknown draft, ValueError for one that is not pending or no longer a valid order.
        """
        draft = self._pending(entry)
        order = {name: value for name, value in draft.items() if name not in _OF_THE_DRAFT}
        done = {"AuthorizationStatus": "dasGenerated", "DocumentStatus": "bost_Close"}
        try:
            with self._company.store.transaction():
                created = self._entities.adopt(self._set("Orders"), order)
                self._entities.overwrite(self._set("Drafts"), draft, done)
        except SapError as error:
            raise ValueError(f"{error.code}: {error.message}") from error
        return created

    def reject(self, entry: int) -> Row:
        """The draft stays open, rejected. Raises as `approve` does."""
        draft = self._pending(entry)
        with self._company.store.transaction():
            return self._entities.overwrite(self._set("Drafts"), draft, {"AuthorizationStatus": "dasRejected"})

    def _pending(self, entry: int) -> Row:
        draft = self._company.store.get("Drafts", entry)
        if draft is None:
            raise KeyError(f"draft {entry}")
        if draft["AuthorizationStatus"] != "dasPending":
            raise ValueError(f"draft {entry} is not pending: {draft['AuthorizationStatus']}")
        return draft

    def _set(self, name: str) -> EntitySet:
        return self._company.schema.entity_sets[name]
