"""Condense reference files about the real APIs into the two schema files of this package.

Run by hand: ``python -m local.schema.condense FOLDER``. The folder holds the reference JSON files (entities, services of
Service Layer; tables, error codes of Dataverse). To add an entity, add its name to one of the lists below and run again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from local.schema.sap_columns import COLUMN_LENGTHS, TABLES

HERE = Path(__file__).parent

SERVICE_LAYER_SETS = (
    "BusinessPartners",
    "BusinessPartnerGroups",
    "Currencies",
    "PaymentTermsTypes",
    "Countries",
    "States",
    "BusinessPlaces",
    "UserFieldsMD",
    "SalesPersons",
    "Items",
    "ItemGroups",
    "PriceLists",
    "UnitOfMeasurements",
    "UnitOfMeasurementGroups",
    "Warehouses",
    "VatGroups",
    "SalesTaxCodes",
    "AdditionalExpenses",
    "Quotations",
    "Orders",
    "Drafts",
    "DeliveryNotes",
    "Invoices",
    "CreditNotes",
    "IncomingPayments",
    "VendorPayments",
    "CreditCards",
    "ChartOfAccounts",
    "Manufacturers",
    "SalesOpportunities",
    "SalesStages",
    "SalesOpportunityReasonsSetup",
    "SalesOpportunitySourcesSetup",
)
SERVICE_LAYER_OPERATIONS = (
    "SeriesService_GetDocumentSeries",
    "SeriesService_GetDefaultSeries",
    "CompanyService_GetCompanyInfo",
    "CompanyService_GetAdminInfo",
    "SBOBobService_GetCurrencyRate",
)
DATAVERSE_TABLES = (
    "account",
    "contact",
    "transactioncurrency",
    "systemuser",
    "team",
    "businessunit",
    "uomschedule",
    "uom",
    "pricelevel",
    "product",
    "productpricelevel",
    "salesorder",
    "salesorderdetail",
    "lead",
    "opportunity",
    "opportunityproduct",
    "quote",
    "quotedetail",
)
_ERROR_CODES = (
    "0x80040200 0x80040203 0x80040216 0x80040217 0x80040220 0x80040227 0x80040228 0x8004022e 0x80040233 0x80040237 "
    "0x80040256 0x80040265 0x80040333 0x80040515 0x80040519 0x80041103 0x80043810 0x80043afa 0x80043afb 0x80043b04 0x80043b06 "
    "0x80043b07 0x80043b08 0x80043b09 0x80043b0a 0x80043b0d 0x80043b11 0x80043b14 0x80044150 0x80044151 0x8004431a "
    "0x80043b03 0x80043b05 0x80043b0b 0x80043b0e 0x80043b0f 0x80043b12 0x80043b16 0x80043b17 0x80043b18 0x80043b1c "
    "0x80048cea 0x80048cf5 0x80048cf4 0x80048cf6 0x8004432f 0x80044330 0x80044331 0x80044352 0x8004480e 0x80048408 0x80048479 "
    "0x80048cee 0x80048cf3 0x80048cff "
    "0x80048d00 0x80048d19 0x8004f908 0x8004f909 0x8004f90a 0x8004f912 0x8004f913 0x8004f915 0x8004f978 0x8004f982 "
    "0x8005f103 0x80060623 0x80060882 0x80060888 0x8006088a 0x8006088d 0x80060890 0x80060891 0x80060892 0x8006089d "
    "0x80061009 0x80061035 0x80072321 0x80072322 0x80072324 0x80072326 0x80072491 0x80072560 0x80100003 0x80100005"
)
DATAVERSE_ERROR_CODES = _ERROR_CODES.split()

_COLUMN_KEYS = (
    "type",
    "edm_type",
    "read_property",
    "max_length",
    "min",
    "max",
    "options",
    "default",
    "targets",
    "binds",
    "required_level",
    "read_only",
    "datetime_behavior",
    "in_web_api",
)

Json = dict[str, Any]


def element_type(type_name: str) -> str:
    """The type of one element: ``Collection(BPAddress)`` becomes ``BPAddress``."""
    return type_name[len("Collection(") : -1] if type_name.startswith("Collection(") else type_name


def condense_service_layer(folder: Path) -> Json:
    """Take the sets and operations listed above with every type and enumeration they lead to."""
    entities = _read(folder / "b1_entities.json")
    services = _read(folder / "b1_services.json")
    sets = {name: entities["entity_sets"][name] for name in SERVICE_LAYER_SETS}
    operations = {name: services["operations"][name] for name in SERVICE_LAYER_OPERATIONS}
    types: Json = {}
    enums: Json = {}
    waiting = [entry["type"] for entry in sets.values()]
    for operation in operations.values():
        waiting += [*operation["params"].values(), *([operation["returns"]] if operation["returns"] else [])]
    while waiting:
        name = element_type(waiting.pop()).removeprefix("Edm.")
        if name in types or name in enums:
            continue
        if name in entities["enums"]:
            enums[name] = {member: codes["db"] for member, codes in entities["enums"][name].items()}
        elif name in entities["types"]:
            kind = entities["types"][name]["kind"]
            types[name] = {"kind": kind, "props": _entity_properties(name, entities["types"][name]["props"])}
        elif name in services["types"]:
            properties = {key: [edm.removeprefix("Edm."), True, None] for key, edm in services["types"][name].items()}
            types[name] = {"kind": "complex", "props": properties}
        if name in types:
            waiting += [prop[0] for prop in types[name]["props"].values()]
    return {
        "_source": "Service Layer $metadata of a 10.0 company (v4 form) and the Service Layer API reference; column "
        "lengths from the SAP Business One SDK 10.0 database tables reference (see sap_columns.py)",
        "_shape": "types.props: [type, nullable, max length or null]; enums: member -> database code or null",
        "entity_sets": {
            name: {
                "type": entry["type"],
                "key": entry["key"],
                "etag": entry["etag"],
                "table": TABLES.get(entry["type"]),
                "operations": entry["operations"],
                "nav": {nav: target for nav, target in entry["nav"].items() if element_type(target) in types},
            }
            for name, entry in sets.items()
        },
        "types": dict(sorted(types.items())),
        "enums": dict(sorted(enums.items())),
        "row_tables": {name: table for name, table in TABLES.items() if types.get(name, {}).get("kind") == "complex"},
        "operations": {
            name: {"kind": entry["kind"], "params": entry["params"], "returns": entry["returns"]}
            for name, entry in operations.items()
        },
    }


def _entity_properties(type_name: str, properties: Json) -> Json:
    lengths = COLUMN_LENGTHS.get(type_name, {})
    unknown = set(lengths) - set(properties)
    if unknown:
        raise SystemExit(f"lengths for properties that {type_name} does not have: {sorted(unknown)}")
    return {name: [prop[0], prop[2], lengths.get(name)] for name, prop in properties.items()}


def condense_dataverse(folder: Path) -> Json:
    """Take the tables listed above (without add-on columns) and the listed error codes."""
    tables = _read(folder / "dataverse_entities.json")["tables"]
    codes = {code.lower(): texts for code, texts in _read(folder / "dataverse_error_codes.json")["codes"].items()}
    return {
        "_source": "Dataverse table metadata of an org with Dynamics 365 Sales (DevKit generator output, MIT; required "
        "levels from the Common Data Model, CC BY 4.0) and Microsoft's table of web service error codes (CC BY 4.0)",
        "_shape": "tables.columns: type, edm_type, read_property, limits, options, lookups; error_codes: code -> name",
        "tables": {name: _condense_table(tables[name]) for name in DATAVERSE_TABLES},
        "error_codes": {code: codes[code][0][0] for code in DATAVERSE_ERROR_CODES if code in codes},
        "undocumented_codes": [code for code in DATAVERSE_ERROR_CODES if code not in codes],
    }


def _condense_table(table: Json) -> Json:
    kept = ("logical_name", "object_type_code", "primary_id", "primary_name", "entity_set", "default_status")
    result = {key: table[key] for key in kept if key in table}
    result["columns"] = {
        name: {key: column[key] for key in _COLUMN_KEYS if key in column}
        for name, column in table["columns"].items()
        if not column.get("addon")
    }
    return result


def _read(path: Path) -> Json:
    content: Json = json.loads(path.read_text(encoding="utf-8"))
    return content


def _write(path: Path, schema: Json) -> None:
    """One line per set, table, type and column: small enough to commit, and a change shows as one line."""
    path.write_text(_lines(schema, 0) + "\n", encoding="utf-8")


def _lines(value: Any, depth: int) -> str:
    if not isinstance(value, dict) or depth >= 4 or not value:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    entries = (f"{json.dumps(key)}: {_lines(entry, depth + 1)}" for key, entry in value.items())
    return "{\n" + ",\n".join(entries) + "\n}"


def main(arguments: list[str]) -> int:
    """Write both schema files next to this script."""
    if len(arguments) != 1:
        print("usage: python -m local.schema.condense FOLDER")
        return 2
    folder = Path(arguments[0])
    _write(HERE / "service_layer.json", condense_service_layer(folder))
    _write(HERE / "dataverse.json", condense_dataverse(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
