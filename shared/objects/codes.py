"""Codes that the two sides spell differently: payment terms and currencies (countries and states: ``regions``).

Canonical is SAP's own code (of currencies the ISO code). What is neither mapped nor on a list is refused by name;
nothing is replaced silently.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.objects.canonical import Refused
from shared.objects.columns import Accessor, Codes, Column, Draft, Mapped
from shared.objects.model import Context
from shared.ports import Mark, Row, Value

CURRENCIES = "sap.currencies"

_ISO_CURRENCY = re.compile(r"[A-Z]{3}")
ALL_CURRENCIES = (
    "##"  # a SAP partner with this "currency" trades in all of them (SAP Business One help, BP master data)
)


@dataclass(frozen=True)
class SettingCodes(Codes):
    """A mapping in the settings, canonical -> code of this side; the settings see to it that codes are unique."""

    setting: str
    alias: str
    what: str

    def _mapping(self, ctx: Context) -> Mapping[Any, Any]:
        mapping: Mapping[Any, Any] = getattr(ctx.settings, self.setting)
        return mapping

    def to_canonical(self, raw: Any, ctx: Context) -> Value:
        """The canonical code that is mapped to this one."""
        for canonical, code in self._mapping(ctx).items():
            if code == raw:
                return canonical  # type: ignore[no-any-return]  # the settings model types the mapping's keys
        raise Refused(f"this {self.what} is not mapped to SAP; add it to the setting {self.alias}")

    def from_canonical(self, value: Value, ctx: Context) -> Value:
        """The code that the canonical one is mapped to."""
        mapping = self._mapping(ctx)
        if value not in mapping:
            raise Refused(f"SAP's {self.what} is not mapped; add it to the setting {self.alias}")
        return mapping[value]  # type: ignore[no-any-return]


@dataclass(frozen=True)
class SapCurrencies(Codes):
    """SAP's currency code <-> ISO code: the setting first, else SAP's code if it has the form of an ISO code."""

    def to_canonical(self, raw: Any, ctx: Context) -> Value:
        """The ISO code; for a partner of all currencies the one that the settings name, else Refused."""
        code = str(raw).strip()
        if code == ALL_CURRENCIES:
            if ctx.settings.all_currencies_as is None:
                raise Refused(
                    "the customer takes all currencies in SAP, the other side needs one; set allCurrenciesAs, "
                    "or choose one currency for the customer in SAP"
                )
            return str(ctx.settings.all_currencies_as)
        iso = ctx.settings.currencies.get(code, code)
        if not _ISO_CURRENCY.fullmatch(iso):
            raise Refused("SAP's currency code is no ISO code; map it in the setting currencies")
        return str(iso)

    def from_canonical(self, value: Value, ctx: Context) -> Value:
        """SAP's code for the ISO code; Refused where SAP has no such currency, which it would answer with an error."""
        mapped = next((code for code, iso in ctx.settings.currencies.items() if iso == value), None)
        code = mapped or value
        if not any(row["Code"] == code for row in ctx.lists.get(CURRENCIES, ())):
            raise Refused("SAP has no such currency; define it in SAP, or map it in the setting currencies")
        return code


@dataclass(frozen=True)
class SapCurrencyColumn(Accessor):
    """The currency of a SAP partner. A partner of all currencies is never narrowed to one by the hub."""

    name: str = "Currency"

    @property
    def columns(self) -> tuple[str, ...]:
        """The column itself."""
        return (self.name,)

    @property
    def _mapped(self) -> Mapped:
        return Mapped(Column(self.name, length=3, required=True), SapCurrencies())

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The ISO code."""
        return self._mapped.read(row, mark, ctx)

    def write(self, value: Value, draft: Draft) -> None:
        """Set SAP's code; a partner of all currencies is left as it is, by name unless the value already means that."""
        if draft.current is not None and draft.current.get(self.name) == ALL_CURRENCIES:
            if value != draft.ctx.settings.all_currencies_as:
                raise Refused("the customer takes all currencies in SAP; choose one there if that should end")
            return
        self._mapped.write(value, draft)
