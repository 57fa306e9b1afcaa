"""The first chapters: set-up, marking, the first load, and both sides compared."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from local.demo.compare import ALL_CURRENCIES_AS, COUNTRIES, PAYMENT_TERMS, UNMAPPED_TERMS
from local.demo.stage import ACCOUNT, TEMPLATE, Stage

CUSTOMER, RESELLER, PRESS = 3, 9, 7  # account types of Dynamics
GROUP, SERIES, MANUAL_SERIES = 102, 70, 1
SETTINGS: dict[str, Any] = {
    "accountTypes": [CUSTOMER, RESELLER],
    "defaultCustomerGroup": GROUP,
    "customerCodeSeries": SERIES,
    "paymentTerms": PAYMENT_TERMS,
    "allCurrenciesAs": ALL_CURRENCIES_AS,
    "countries": COUNTRIES,
    "fieldRules": {"account.email": "other_wins", "account.phone": "ask"},
}
_KNOWN = "C00002"
_KNOWN_FAX = "+33 1 5550199"


async def set_up(stage: Stage) -> None:
    """Create the template, save settings that are checked in SAP, let set-up create what the hub needs there."""
    await stage.api("POST", "/templates", {"id": TEMPLATE, "type": "dynamics"}, expect=201)
    path = f"/templates/{TEMPLATE}/settings"
    problem = await stage.api("PUT", path, {**SETTINGS, "customerCodeSeries": MANUAL_SERIES}, expect=400)
    named = [(one["field"], one["detail"]) for one in problem["errors"]]
    stage.say(f"A wrong setting: {problem['detail']}")
    for name, detail in named:
        stage.say(f"  {name}: {detail}")
    stage.check(
        "a series that SAP cannot number with is refused, by name", [n for n, _ in named], ["customerCodeSeries"]
    )
    stage.check("… and nothing of it was saved", (await stage.api("GET", path))["settings"]["accountTypes"], [])
    saved = await stage.api("PUT", path, SETTINGS)
    what = "the right settings hold in SAP and in Dynamics; nothing is missing for accounts"
    stage.check(what, saved["missing"]["account"], [])
    lacks = [f"{name} {', '.join(one['setting'] for one in some)}" for name, some in saved["missing"].items() if some]
    stage.say(f"Products and sales come later; what they lack: {'; '.join(lacks)}")
    before = await stage.sap.user_fields()
    answer = await stage.api("POST", f"/templates/{TEMPLATE}/setup")
    todo = [step for step in answer["steps"] if step["state"] == "todo"]
    stage.check(f"set-up took {len(answer['steps'])} steps and left nothing to do", todo, [])
    created = await stage.sap.user_fields() - before
    stage.check("it created the field U_HubRef in SAP", created, {"HubRef"})


async def mark(stage: Stage) -> None:
    """Mark two ranges of customers by criteria, each with its account type; a run pages through SAP."""
    await _show_window(stage)
    customers, marked = stage.customers * 6 // 10, stage.customers * 8 // 10
    ranges = (("spring", 1, customers, CUSTOMER), ("resellers", customers + 1, marked, RESELLER))
    for batch, first, last, account_type in ranges:
        codes = [f"C{number:05d}" for number in range(first, last + 1)]
        criteria = {"from": codes[0], "to": codes[-1], "accountType": account_type}
        body = {"batch": batch, "marked": True, "criteria": criteria}
        run = await stage.run(
            "POST", f"/templates/{TEMPLATE}/customers/marks", body, f"marking {codes[0]} to {codes[-1]}", len(codes)
        )
        stage.check(f"{len(codes)} customers are marked in batch '{batch}'", run["counts"].get("marked"), len(codes))
        stage.types |= dict.fromkeys(codes, account_type)
    await _show_window(stage)
    unmarked = await candidate(stage, f"C{stage.customers:05d}")
    stage.check("a customer outside the ranges is not marked", unmarked["marked"], False)


async def _show_window(stage: Stage) -> None:
    rows = (await stage.api("GET", f"/templates/{TEMPLATE}/customers/candidates?from=C00001&limit=4"))["items"]
    table = Table("code", "name", "group", "marked", "account type", title="The selection window", title_justify="left")
    for row in rows:
        shown = (row["code"], row["name"], row["group"], "yes" if row["marked"] else "no", row["accountType"] or "")
        table.add_row(*map(str, shown))
    stage.console.print(table)


async def candidate(stage: Stage, code: str) -> dict[str, Any]:
    """One customer as the selection window shows it."""
    answer = await stage.api("GET", f"/templates/{TEMPLATE}/customers/candidates?from={code}&to={code}")
    return dict(answer["items"][0])


async def initialize(stage: Stage) -> None:
    """The first load. Dynamics has a customer already, by its number, and an account that is none of the hub's business."""
    sap_name = (await stage.sap.customer(_KNOWN))["CardName"].strip()
    known = await stage.dynamics.create(
        name="Cafe de l'Etoile (old)", accountnumber=_KNOWN, customertypecode=CUSTOMER, fax=_KNOWN_FAX
    )
    await stage.dynamics.create(name="Morgenblatt Redaktion", customertypecode=PRESS)
    early, problem, _ = await stage.environment.call("POST", f"{ACCOUNT}/sync", {})
    stage.check("before the first load Sync Now answers 409, and says why", early, 409)
    stage.say(f"{problem['detail']}")
    run = await stage.run("POST", f"{ACCOUNT}/initialize", {}, "initialize", len(stage.types))
    stage.check("the run succeeded", run["status"], "succeeded")
    stage.check(
        "every marked customer but the known one was created", run["counts"].get("created"), len(stage.types) - 1
    )
    account = await stage.dynamics.account(_KNOWN)
    stage.check("the account that was there was recognised by its number, not doubled", account["accountid"], known)
    stage.check("… got SAP's name, as the rule says", account["name"], sap_name)
    fax = (await stage.sap.customer(_KNOWN)).get("Fax")
    stage.check("… and its fax number, which SAP did not have, went to SAP", fax, _KNOWN_FAX)


async def compare_sides(stage: Stage) -> None:
    """Read both systems through their own APIs and compare everything; what cannot travel is held, by name."""
    await stage.check_same()
    strangers = await stage.dynamics.accounts(f"customertypecode eq {PRESS}")
    stage.check("an account of another type was left alone", [a["accountnumber"] for a in strangers.values()], [None])
    partners = await stage.sap.customers()
    cash = [code for code in stage.types if partners[code]["PayTermsGrpCode"] == UNMAPPED_TERMS]
    if cash:
        held = (await stage.explain(cash[0]))["held"]
        stage.check(
            f"{len(cash)} customers have payment terms that Dynamics lacks: held by name, never guessed",
            list(held),
            ["payment_terms"],
        )
        stage.say(f"{cash[0]}: {held['payment_terms']}")
