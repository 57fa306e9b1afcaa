"""Unbound service operations: numbering series and company data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company
from local.simulators.service_layer.rules.series import default_series, series_of
from local.simulators.service_layer.store import Row

Operation = Callable[[Company, Any], Row | list[Row]]


def _document_type(body: Any) -> tuple[str, str | None]:
    """Object type and sub type from ``{"DocumentTypeParams": {...}}``; raises SapError -1000."""
    params = body.get("DocumentTypeParams") if isinstance(body, dict) else None
    if not isinstance(params, dict):
        raise errors.bad_body("Property 'DocumentTypeParams' is missing")
    unknown = set(params) - {"Document", "DocumentSubType"}
    if unknown:
        raise errors.unknown_body_property(min(unknown), "DocumentTypeParams")
    document, sub_type = params.get("Document"), params.get("DocumentSubType")
    if not isinstance(document, str) or not isinstance(sub_type, str | None):
        raise errors.bad_body("Invalid value for property 'Document' of 'DocumentTypeParams'")
    return document, sub_type


def _shown(company: Company, type_name: str, row: Row) -> Row:
    shown = {name: row.get(name) for name in company.schema.types[type_name].properties}
    if type_name == "Series" and company.switches.series_number_name == "Series":
        shown["Series"] = shown.pop("SeriesProperty")
    return shown


def _document_series(company: Company, body: Any) -> list[Row]:
    return [_shown(company, "Series", row) for row in series_of(company, *_document_type(body))]


def _default_series(company: Company, body: Any) -> Row:
    row = default_series(company, *_document_type(body))
    if row is None:
        raise errors.no_match()
    return _shown(company, "Series", row)


def _single(table: str) -> Operation:
    def read(company: Company, _body: Any) -> Row:
        row = next(iter(company.store.tables[table].rows.values()), None)
        if row is None:
            raise errors.no_match()
        return _shown(company, table, row)

    return read


OPERATIONS: dict[str, Operation] = {
    "SeriesService_GetDocumentSeries": _document_series,
    "SeriesService_GetDefaultSeries": _default_series,
    "CompanyService_GetCompanyInfo": _single("CompanyInfo"),
    "CompanyService_GetAdminInfo": _single("AdminInfo"),
}
"""By name; to add one, add it here and to the schema."""
