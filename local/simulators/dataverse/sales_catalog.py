"""Lays out units and price lists of the sample company in an organisation."""

from __future__ import annotations

from local.sample_company import sales_catalog
from local.simulators.dataverse.simulator import DataverseSimulator


def lay_out_sales_catalog(simulator: DataverseSimulator) -> None:
    """Unit groups with their units and a price list for each currency, as an organisation has them before the hub comes."""
    simulator.seed("uomschedule", sales_catalog.unit_groups())
    bases = {
        row["_uomscheduleid_value"]: row["uomid"] for row in simulator.data_rows("uoms") if row["isschedulebaseuom"]
    }
    simulator.seed("uom", sales_catalog.further_units(bases))
    codes = {
        row["isocurrencycode"]: row["transactioncurrencyid"] for row in simulator.data_rows("transactioncurrencies")
    }
    simulator.seed("pricelevel", sales_catalog.price_lists(codes))
