"""The chapters of one lead's life: born in Dynamics, qualified, quoted, ordered, delivered; one of each in SAP, all linked."""

from __future__ import annotations

import re
from typing import Any

from rich.table import Table

from local.demo import lead_systems as people
from local.demo import trade_systems as systems
from local.demo.opening import CUSTOMER
from local.demo.stage import ACCOUNT, CONTACT, LEAD, OBJECTS, OPPORTUNITY, ORDER, QUOTATION, TEMPLATE, Stage
from local.demo.systems import Row
from local.demo.trade import check_order, day_in
from local.demo.trade_compare import total_of

_COMPANY = "Berghütten Bergkristall GmbH"
_TOPIC = "Lanterns for eleven mountain huts"
_FIRST, _LAST = "Theodora", "Quellenbacher"
_PERSON = f"{_FIRST} {_LAST}"
_OFFER, _OFFER_TEXT = "Lanterns, delivered by mule", "Hut keepers carry the last hour"
WRITTEN = frozenset({_COMPANY, _TOPIC, _PERSON, _OFFER, _OFFER_TEXT})
"""What people wrote on the lead and on what became of it."""
_LEAD: dict[str, Any] = {
    "companyname": _COMPANY,
    "subject": _TOPIC,
    "firstname": _FIRST,
    "lastname": _LAST,
    "jobtitle": "Hüttenwartin",
    "emailaddress1": "quellenbacher@bergkristall.example",
    "telephone1": "+49 8821 5550147",
    "address1_line1": "Almweg 3",
    "address1_city": "Garmisch",
    "address1_postalcode": "82467",
    "address1_country": "Germany",
    "estimatedamount": 1800,
    "estimatedclosedate": "2030-06-28",
}
_CODE = re.compile(r"LN\d{6}")
_PRICE_LIST = "Retail EUR"
_GOODS, _MORE_GOODS = ("I00006", "I00013"), "I00004"
_DELIVERY_DAYS = 21
_QUOTATION_TYPE = 23  # what SAP calls a sales quotation where a row says what it was drawn from
_IN_STEP = "It is linked and in step."
_MOST_SHOWN = 40
_SYSTEMS = {"sap": "SAP", "other": "Dynamics"}


# --- a lead -----------------------------------------------------------------------------------------------------------


async def enter(stage: Stage) -> None:
    """Leads and contacts are opened; a salesperson enters a lead, looks before, and presses Sync Now."""
    for name, of in (("leads", LEAD), ("contacts", CONTACT)):
        run = await stage.run("POST", f"{of}/initialize", {}, f"initialize {name}")
        stage.check(f"{name} are open", run["status"], "succeeded")
    await _check_contacts(stage)
    stage.life["lead"] = await people.enter_lead(stage.dynamics, **_LEAD)
    seen = await _looked(stage, "lead", LEAD)
    stage.check("it says that the lead will be created", seen["outcome"], "created")
    stage.check("SAP does not have it", await people.partners_called(stage.sap, _COMPANY), [])
    run = await stage.sync_now("Sync Now of leads", LEAD)
    stage.check("the run did what the look said", run["counts"].get("created"), 1)
    partner = await _partner(stage)
    stage.check("SAP has it as a partner of type lead", partner["CardType"], "cLid")
    stage.check(
        f"… with a code of the leads' series: {partner['CardCode']}", bool(_CODE.fullmatch(partner["CardCode"]))
    )
    stage.check("… with its topic", partner["Notes"], _TOPIC)
    stage.check("… and with its person", [each["Name"] for each in partner["ContactEmployees"]], [_PERSON])


async def _check_contacts(stage: Stage) -> None:
    """Contact persons of customers that take part are contacts of their accounts, each once; nobody else is."""
    persons = [
        (partner["CardCode"], each["Name"])
        for partner in await people.partners(stage.sap)
        if partner["CardCode"] in stage.types
        for each in partner["ContactEmployees"] or ()
    ]
    numbers = {key: account["accountnumber"] for key, account in (await stage.dynamics.accounts()).items()}
    contacts = [
        (numbers[row["_parentcustomerid_value"]], row["fullname"]) for row in await stage.dynamics.rows("contacts")
    ]
    what = f"{len(persons)} contact persons of customers that take part are contacts of their accounts, each once"
    stage.check(what, sorted(contacts), sorted(persons))


async def _looked(stage: Stage, name: str, of: str) -> dict[str, Any]:
    """What a preview says of the followed record of that object; it starts no run and writes nothing."""
    runs = await _runs(stage, name)
    stage.forget_writes()
    answer = await stage.preview(of)
    stage.check("a look before: nothing is written, counted at both systems", stage.writes(), {})
    stage.check("… and no run was started", await _runs(stage, name), runs)
    record = next(each for each in answer["records"] if each["key"] == stage.life[name])
    _show_look(stage, record, answer["calls"])
    return dict(record)


async def _runs(stage: Stage, name: str) -> list[str]:
    listed = await stage.api("GET", f"/runs?template={TEMPLATE}&object={name}&limit=100")
    return [run["id"] for run in listed["items"]]


def _show_look(stage: Stage, record: Row, calls: Row) -> None:
    asked = [f"{_SYSTEMS[side]} {each['reads']} to read, {each['writes']} to write" for side, each in calls.items()]
    table = Table("where", "field", "from", "to", title=f"A look before: {record['outcome']}", title_justify="left")
    for side, change in record["changes"].items():
        for name, value in change["values"].items():
            table.add_row(_SYSTEMS[side], name, _shown(value["from"]), _shown(value["to"]))
    stage.console.print(table)
    stage.say(f"requests that it would take: {'; '.join(asked)}")


def _shown(value: Any) -> str:
    """A value as the table shows it; the content of a document is one long text."""
    text = "" if value is None else str(value)
    if text.startswith("{"):
        return "(all lines and amounts)"
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


async def _partner(stage: Stage) -> Row:
    """The one partner of the company; RuntimeError if SAP has none, or several."""
    found = await people.partners_called(stage.sap, _COMPANY)
    if len(found) != 1:
        raise RuntimeError(f"SAP has {len(found)} partners of the lead's name")
    return found[0]


# --- qualified --------------------------------------------------------------------------------------------------------


async def qualify(stage: Stage) -> None:
    """The lead is qualified: in Dynamics an account, a contact, an opportunity; in SAP the same partner goes on."""
    before = await _partner(stage)
    await people.qualify(stage.dynamics, stage.life["lead"])
    for name, table, key in (
        ("account", "accounts", "accountid"),
        ("contact", "contacts", "contactid"),
        ("opportunity", "opportunities", "opportunityid"),
    ):
        made = await people.made_of_lead(stage.dynamics, table, stage.life["lead"])
        stage.check(f"qualifying made one {name} in Dynamics", len(made), 1)
        stage.life[name] = made[0][key]
    seen = await _looked(stage, "lead", LEAD)
    stage.check("it says that the lead's status will follow, in SAP", list(seen["changes"]), ["sap"])
    stage.check("SAP's partner is a lead still", (await _partner(stage))["CardType"], "cLid")
    for name, of in (("leads", LEAD), ("accounts", ACCOUNT), ("contacts", CONTACT)):
        await stage.sync_now(f"Sync Now of {name}", of)
    await _check_customer(stage, before)
    await _follow_opportunity(stage)


async def _check_customer(stage: Stage, lead: Row) -> None:
    """The partner is the same one, turned customer; account and contact belong to it and to its person."""
    partner, code = await _partner(stage), lead["CardCode"]
    stage.check(
        "SAP has the same partner, now a customer", (partner["CardCode"], partner["CardType"]), (code, "cCustomer")
    )
    stage.types[code] = CUSTOMER
    account = await stage.dynamics.account(code)
    stage.check("the lead's account has its number", account["accountid"], stage.life["account"])
    person = [each["InternalCode"] for each in lead["ContactEmployees"]]
    stage.check("its person is the one it had", [each["InternalCode"] for each in partner["ContactEmployees"]], person)
    linked = await _linked_to(stage, "contact")
    stage.check("the lead's contact is linked to that very person", linked, f"{code}/{person[0]}")
    await stage.check_same()


async def _follow_opportunity(stage: Stage) -> None:
    """The opportunity comes to SAP, with its contact; a step in its sale is a stage there."""
    key = stage.life["opportunity"]
    await stage.sync_now("Sync Now of opportunities", OPPORTUNITY)
    first = await _opportunity(stage)
    partner = await _partner(stage)
    expected = (partner["CardCode"], partner["ContactEmployees"][0]["InternalCode"], _TOPIC, "sos_Open")
    seen = (first["CardCode"], first["ContactPerson"], first["OpportunityName"], first["Status"])
    stage.check("SAP has the opportunity, of that customer and that person", seen, expected)
    await systems.change(stage.dynamics, f"opportunities({key})", {"stepname": "3-Propose", "estimatedvalue": 2100})
    await stage.sync_now("further on and worth more, Sync Now of opportunities", OPPORTUNITY)
    after = await _opportunity(stage)
    last = after["SalesOpportunitiesLines"][-1]
    stood = (after["SequentialNo"], last["StageKey"], last["MaxLocalTotal"])
    stage.check(
        "the same opportunity stands at SAP's stage for that, with its amount", stood, (first["SequentialNo"], 4, 2100)
    )
    number = (await people.row_of(stage.dynamics, "opportunities", "opportunityid", key))[systems.ORDER_COLUMNS[0]]
    stage.check("SAP's number is in Dynamics", number, str(first["SequentialNo"]))


async def _opportunity(stage: Stage) -> Row:
    """SAP's opportunity of the customer; RuntimeError if there is none, or several."""
    return _only_one(await people.sap_opportunities(stage.sap), await _partner(stage))


def _only_one(rows: list[Row], partner: Row) -> Row:
    found = [row for row in rows if row["CardCode"] == partner["CardCode"]]
    if len(found) != 1:
        raise RuntimeError(f"SAP has {len(found)} of the customer {partner['CardCode']} where one is expected")
    return found[0]


async def _linked_to(stage: Stage, name: str) -> str | None:
    """SAP's key of what the followed record of that object is linked to, as explain says it."""
    explained = await stage.explain(stage.life[name], name, "other")
    return explained["sides"]["sap"]["key"] if explained["linked"] else None


# --- quoted -----------------------------------------------------------------------------------------------------------


async def quote(stage: Stage) -> None:
    """A quote is activated and comes to SAP; it is revised, and SAP's quotation follows: there is one."""
    lines = [systems.line_of(await systems.product(stage.dynamics, number), 11, tax=15.5) for number in _GOODS]
    stage.life["quotation"] = await people.enter_quote(
        stage.dynamics,
        stage.life["account"],
        stage.life["opportunity"],
        _PRICE_LIST,
        lines,
        name=_OFFER,
        description=_OFFER_TEXT,
        paymenttermscode=2,
    )
    run = await stage.sync_now("a draft, Sync Now of quotations", QUOTATION)
    stage.check(
        "a draft stays where it is", (run["counts"].get("created"), await people.quotations(stage.sap)), (None, [])
    )
    await people.activate(stage.dynamics, stage.life["quotation"])
    await stage.sync_now("activated, Sync Now of quotations", QUOTATION)
    first = await _check_quotation(stage)
    await _revise(stage, first)


async def _check_quotation(stage: Stage) -> Row:
    """SAP has one quotation, with the quote's number, rows and total; Dynamics has its number. Answers SAP's."""
    key = stage.life["quotation"]
    document = _only_one(await people.quotations(stage.sap), await _partner(stage))
    asked, lines = await people.quote(stage.dynamics, key), await people.quote_lines(stage.dynamics, key)
    stage.check("SAP has one quotation, with the quote's number", document["NumAtCard"], asked["quotenumber"])
    rows = [(row["U_HubRef"], row["Quantity"]) for row in document["DocumentLines"]]
    stage.check("… with each of its lines", rows, [(line["quotedetailid"], line["quantity"]) for line in lines])
    stage.check(f"… and its total: {asked['totalamount']:.2f}", total_of(document), asked["totalamount"])
    back = tuple(asked[column] for column in systems.ORDER_COLUMNS)
    stage.check(
        "SAP's number and status are in Dynamics, and the quote is active",
        (*back, asked["statecode"]),
        (str(document["DocNum"]), "open", 1),
    )
    return document


async def _revise(stage: Stage, first: Row) -> None:
    """They want more: the quote is revised, which makes another one of it in Dynamics, but not in SAP."""
    old = stage.life["quotation"]
    stage.life["quotation"] = key = await people.revise(stage.dynamics, old)
    line = (await people.quote_lines(stage.dynamics, key))[0]
    await systems.change(stage.dynamics, f"quotedetails({line['quotedetailid']})", {"quantity": 14})
    more = await systems.product(stage.dynamics, _MORE_GOODS)
    await people.add_quote_line(stage.dynamics, key, systems.line_of(more, 3, tax=2.25))
    await people.activate(stage.dynamics, key)
    both = [each for each in await people.quotes(stage.dynamics) if each["quoteid"] in (old, key)]
    stage.check("Dynamics has two quotes of the same number now", len({each["quotenumber"] for each in both}), 1)
    seen = await _looked(stage, "quotation", QUOTATION)
    stage.check(
        "it says that SAP's quotation will be updated", (seen["outcome"], list(seen["changes"])), ("updated", ["sap"])
    )
    await stage.sync_now("revised, Sync Now of quotations", QUOTATION)
    after = await _check_quotation(stage)
    stage.check("it is the same quotation, updated, not doubled", after["DocEntry"], first["DocEntry"])
    numbers = [row["LineNum"] for row in after["DocumentLines"]]
    stage.check("its rows kept their numbers; the new one follows", numbers, [0, 1, 2])


# --- ordered and delivered --------------------------------------------------------------------------------------------


async def order(stage: Stage) -> None:
    """They order: quote and opportunity are won, the order refers to its quotation; SAP delivers, and Dynamics knows."""
    stage.life["order"] = await people.order_of_quote(
        stage.dynamics, stage.life["quotation"], requestdeliveryby=day_in(_DELIVERY_DAYS)
    )
    await people.win_opportunity(stage.dynamics, stage.life["opportunity"])
    await stage.sync_now("Sync Now of quotations", QUOTATION)
    await stage.sync_now("Sync Now of orders", ORDER)
    document = await check_order(stage, stage.life["order"])
    offer = _only_one(await people.quotations(stage.sap), await _partner(stage))
    bases = {(row["BaseType"], row["BaseEntry"]) for row in document["DocumentLines"]}
    stage.check("every row of SAP's order refers to the quotation", bases, {(_QUOTATION_TYPE, offer["DocEntry"])})
    stage.check("SAP closed the quotation by itself", offer["DocumentStatus"], "bost_Close")
    await stage.sync_now("Sync Now of opportunities", OPPORTUNITY)
    stage.check("the opportunity is won in SAP, too", (await _opportunity(stage))["Status"], "sos_Sold")
    await _deliver(stage, document)


async def _deliver(stage: Stage, document: Row) -> None:
    """A part leaves the warehouse, then the rest."""
    for quantities, status in (((5,), "partly delivered"), ((), "delivered")):
        current = next(each for each in await systems.documents(stage.sap) if each["DocEntry"] == document["DocEntry"])
        await people.deliver(stage.sap, current, *quantities)
        await stage.sync_now(f"{status} in SAP, Sync Now of orders", ORDER)
        told = (await systems.order(stage.dynamics, stage.life["order"]))[systems.ORDER_COLUMNS[1]]
        stage.check(f"Dynamics says so: {status}", told, status)


# --- one of each ------------------------------------------------------------------------------------------------------


async def one_of_each(stage: Stage) -> None:
    """What SAP has of that life is one of each, all linked; a further round of all objects writes nothing."""
    partner = await _partner(stage)
    code, person = partner["CardCode"], partner["ContactEmployees"]
    stage.check("one partner in SAP, with one contact person", len(person), 1)
    documents = (
        ("opportunity", "SequentialNo", await people.sap_opportunities(stage.sap)),
        ("quotation", "DocEntry", await people.quotations(stage.sap)),
        ("order", "DocEntry", await systems.documents(stage.sap)),
    )
    expected = {"lead": code, "account": code, "contact": f"{code}/{person[0]['InternalCode']}"}
    for name, key, rows in documents:
        found = [str(row[key]) for row in rows if row["CardCode"] == code]
        stage.check(f"one {name}", len(found), 1)
        expected[name] = found[0]
    await _go_round(stage)
    await _show_links(stage, expected)


async def _go_round(stage: Stage) -> None:
    """Sync Now of all objects at once, for what changed and then for everything."""
    stage.forget_writes()
    for mode in ("delta", "full"):
        started = [await stage.start("POST", f"{of}/sync", {"mode": mode}) for of in OBJECTS.values()]
        for name, location in zip(OBJECTS, started, strict=True):
            await stage.follow(location, f"{name} ({mode})")
        what = f"a further round of all objects ({mode}) writes nothing, counted at both systems"
        stage.check(what, stage.writes(), {})


async def _show_links(stage: Stage, expected: dict[str, str]) -> None:
    """Explain says of each that it is linked to that very record of SAP, and in step."""
    table = Table("object", "in Dynamics", "in SAP", "what explain says", title="One life", title_justify="left")
    linked, behind = {}, []
    for name in expected:
        explained = await stage.explain(stage.life[name], name, "other")
        linked[name] = explained["sides"]["sap"]["key"] if explained["linked"] else None
        behind += [] if explained["summary"].startswith(_IN_STEP) else [name]
        table.add_row(name, stage.life[name], str(linked[name]), explained["summary"])
    stage.console.print(table)
    stage.check("explain says that all of them are linked, each to that one", linked, expected)
    stage.check("… and in step", behind, [])
