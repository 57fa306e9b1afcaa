"""What orders and quotations have in common: documents of Dynamics that are entered in SAP, each exactly once.

A document comes in once its account and all its products are linked. Its content is one field (see
:mod:`shared.objects.dynamics.order_content`), so that its total is known before it is posted. Later changes update SAP's
document while that is open; afterwards they are a conflict. Number and status flow back.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from shared.objects import sap_lists as sap
from shared.objects.documents import parents_of, why_not_approved
from shared.objects.dynamics import lists as known
from shared.objects.dynamics.document_kind import DocumentKind
from shared.objects.dynamics.order_content import LINES
from shared.objects.dynamics.order_header import READ_ONLY, instant
from shared.objects.dynamics.order_rows import CLOSED
from shared.objects.fields import TableObject
from shared.objects.model import Context, Direction, NeededColumn, Parent, Refusal, Writing
from shared.objects.references import HUB_REFERENCE, start_of_transactions
from shared.ports import Entity, Mark, Row, SideName, Value

ACTIVE = 1  # the state in which some kinds are changed as drafts only
ARRIVALS = "dynamics"  # the batch of marks of documents that came in
_REFERENCE_LENGTH = 100
_COLUMN_LENGTH = 50


def sap_document(name: str) -> Entity:
    """SAP's documents of that set."""
    return Entity(
        set=name,
        type="Document",
        key="DocEntry",
        version="DataVersion",
        modified=("UpdateDate", "UpdateTime"),
        created=("CreationDate", "DocTime"),
        reference=HUB_REFERENCE,
        key_is_text=False,
        drafts="Drafts",
        slow=True,
    )


class SalesDocument(TableObject):
    """A document that exists once. Subclasses say which states are taken."""

    template_type = "dynamics"
    kind: DocumentKind
    further_columns: Mapping[SideName, tuple[str, ...]] = {
        SideName.SAP: ("DocumentStatus", "AuthorizationStatus"),
        SideName.OTHER: ("statecode", "statuscode"),
    }
    references = (
        sap.SAP_COMPANY,
        sap.SAP_CURRENCIES,
        sap.SAP_UNITS,
        sap.SAP_TAX_GROUPS,
        sap.SAP_TAX_CODES,
        known.DYNAMICS_CURRENCIES,
        known.DYNAMICS_UNIT_GROUPS,
        known.DYNAMICS_UNITS,
    )
    transactional = True
    # Posted one by one, four at once: however long SAP takes for each, they are through before their claims expire.
    slice_size = 16

    def scope(self, side: SideName, ctx: Context) -> str:
        """In SAP what this template created; in Dynamics documents since the start date, of the states that matter."""
        if side is SideName.SAP:
            return f"startswith({HUB_REFERENCE}, '{ctx.template}:')"
        states = dict.fromkeys([*self.states(ctx), *self.kind.canceled])
        either = " or ".join(f"statecode eq {state}" for state in states)
        start = self.opens_at(ctx)
        return f"({either}) and createdon ge {start:%Y-%m-%dT%H:%M:%SZ}" if start else f"({either})"

    def states(self, ctx: Context) -> tuple[int, ...]:
        """The states (statecode) in which it is taken."""
        raise NotImplementedError(self.name)

    def opens_at(self, ctx: Context) -> datetime | None:
        """Midnight of the start date in the time zone of the settings, in UTC."""
        return start_of_transactions(ctx.settings)

    def finished(
        self, side: SideName, writing: Writing, values: Mapping[str, Value], current: Row | None, ctx: Context
    ) -> Writing:
        """As the table says; a document that is closed in SAP takes no change at all."""
        if side is SideName.OTHER and writing.body and (current or {}).get("statecode") == ACTIVE:
            return replace(writing, around=self.kind.around)
        closed = side is SideName.SAP and current is not None and current.get("DocumentStatus") != "bost_Open"
        if closed and writing.refusal is None and (writing.body or writing.steps):
            return replace(writing, refusal=Refusal(CLOSED, tuple(values), conflict=True))
        return writing

    def why_frozen(self, side: SideName, current: Row) -> str:
        """Dynamics takes no change of final documents."""
        frozen = side is SideName.OTHER and current.get("statecode") in self.kind.read_only
        return READ_ONLY if frozen else ""

    def columns_needed(self, ctx: Context) -> tuple[NeededColumn, ...]:
        """Our reference on documents and their rows; the columns of the settings for number and status."""
        text = "Integration Hub: origin"
        rows = Entity(set=self.sap_entity.set, type="DocumentLine", key="LineNum", key_is_text=False)
        columns = [
            NeededColumn(SideName.SAP, self.sap_entity, HUB_REFERENCE, text, _REFERENCE_LENGTH),
            NeededColumn(SideName.SAP, rows, HUB_REFERENCE, text, _REFERENCE_LENGTH),
        ]
        number, status = self.written_back(ctx)
        back = ((number, f"SAP {self.name} number"), (status, f"SAP {self.name} status"))
        entity = replace(self.other_entity, children=(), owner=None)
        columns += [NeededColumn(SideName.OTHER, entity, name, what, _COLUMN_LENGTH) for name, what in back if name]
        return tuple(columns)

    def written_back(self, ctx: Context) -> tuple[str | None, str | None]:
        """The columns of Dynamics for SAP's number and status, as the settings name them."""
        raise NotImplementedError(self.name)

    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        """Out: it came in once. In: of a state that is taken since the start date, or cancelled after it came in."""
        if direction is Direction.OUT:
            return "" if mark.on else "it did not come from Dynamics"
        start = self.opens_at(ctx)
        if start is None or instant(row["createdon"]) < start:
            return "it was created before the start date of transactions (startDate)"
        if self.kind.is_canceled(row):
            return "" if mark.on else "it was cancelled before it reached SAP"
        return "" if row.get("statecode") in self.states(ctx) else self.why_not_taken(row)

    def why_not_taken(self, row: Row) -> str:
        """The reason where its state is not one of those that are taken."""
        return "its state is not among those that are taken"

    def why_not_created(self, direction: Direction, row: Row, ctx: Context) -> str:
        """Documents are created in SAP alone, and not once they are cancelled."""
        if direction is Direction.OUT:
            return f"its {self.name} in Dynamics is gone; none is ever created there"
        return "it was cancelled before it reached SAP" if self.kind.is_canceled(row) else ""

    def why_no_document(self, draft: Row) -> str:
        """A draft becomes a document unless its approval was refused or cancelled."""
        return why_not_approved(draft, f", or cancel the {self.name} in Dynamics")

    def mark_on_arrival(self, row: Row, ctx: Context) -> Mark:
        """What came in sends its number and status back."""
        return Mark(frozenset({ARRIVALS}))

    def parents(self, side: SideName, row: Row, ctx: Context) -> tuple[Parent, ...]:
        """The account and every product of the lines."""
        if side is SideName.SAP:
            return ()
        account = row.get("_accountid_value")
        products = [line.get("_productid_value") for line in row.get(LINES) or ()]
        return parents_of([("account", account), *(("product", key) for key in products)])

    def defaults(self, side: SideName, ctx: Context, hub_reference: str) -> Row:
        """Our reference, the branch, and no discount of the customer's: the document has its own prices."""
        if side is SideName.OTHER:
            return {}
        branch = ctx.settings.branch_for_documents
        body: Row = {HUB_REFERENCE: hub_reference, "DiscountPercent": 0}
        return body if branch is None else {**body, "BPL_IDAssignedToInvoice": branch}
