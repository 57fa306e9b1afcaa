"""Unbound service operations: numbering series, company data, exchange rates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company
from local.simulators.service_layer.rules.money import needed_rate, number
from local.simulators.service_layer.rules.series import default_series, series_of
from local.simulators.service_layer.store import Row
from local.simulators.service_layer.values import date_form

Operation = Callable[[Company, Any], Row | list[Row] | float]


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


def _currency_rate(company: Company, body: Any) -> float:
    """``{"Currency": "USD", "Date": "20240101"}`` -> the day's rate, a bare number."""
    currency, day = (body.get("Currency"), body.get("Date")) if isinstance(body, dict) else (None, None)
    date = date_form(day) if isinstance(day, str) else None
    if not isinstance(currency, str) or date is None:
        raise errors.bad_body("Invalid value for property 'Currency' or 'Date'")
    if company.store.get("Currencies", currency) is None:
        raise errors.rule("ORTT.Currency", f"Invalid currency '{currency}'")
    return number(needed_rate(company, currency, date))


OPERATIONS: dict[str, Operation] = {
    "SeriesService_GetDocumentSeries": _document_series,
    "SeriesService_GetDefaultSeries": _default_series,
    "CompanyService_GetCompanyInfo": _single("CompanyInfo"),
    "CompanyService_GetAdminInfo": _single("AdminInfo"),
    "SBOBobService_GetCurrencyRate": _currency_rate,
}
"""By name; to add one, add it here and to the schema."""
