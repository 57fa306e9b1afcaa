"""The chapters of every day: edits on both sides, a conflict, a customer born in Dynamics, and nothing to do."""

from __future__ import annotations

import re
from typing import Any

from local.demo.opening import CUSTOMER, GROUP, PRESS, RESELLER, candidate
from local.demo.stage import ACCOUNT, TEMPLATE, Stage

_MERGED, _RULED, _OTHER_WINS, _ASKED, _RETYPED = "C00004", "C00005", "C00006", "C00001", "C00007"
_CODE = re.compile(r"CN\d{6}")
_NEWCOMERS: tuple[dict[str, Any], ...] = (
    {
        "name": "Sonnenschein Solartechnik GmbH",
        "telephone1": "+49 40 5550123",
        "emailaddress1": "hallo@sonnenschein.example",
        "address1_line1": "Deichstraße 25",
        "address1_city": "Hamburg",
        "address1_postalcode": "20459",
        "address1_stateorprovince": "Hamburg",
        "address1_country": "Germany",
    },
    {
        "name": "Golden Gate Bikes Inc.",
        "telephone1": "+1 415 5550164",
        "websiteurl": "https://goldengatebikes.example",
        "address1_line1": "500 Mason Street",
        "address1_city": "San Francisco",
        "address1_stateorprovince": "California",
        "address1_country": "United States",
    },
)


async def edit_both_sides(stage: Stage) -> None:
    """People edit on both sides: other fields of one customer, the same field of others. Then somebody presses Sync Now."""
    sap, dynamics = stage.sap, stage.dynamics
    await sap.edit(_MERGED, Phone2="+39 06 5550111")
    await sap.edit_bill_to(_MERGED, City="Roma")
    await dynamics.edit(_MERGED, websiteurl="https://dangelo.example", address2_line2="Scala B")
    await sap.edit(_RULED, CardName="Żółta Łódź S.A.")
    await dynamics.edit(_RULED, name="Zolta Lodz (Export)")
    await sap.edit(_OTHER_WINS, EmailAddress="kontor@sakura.example")
    await dynamics.edit(_OTHER_WINS, emailaddress1="einkauf@sakura.example")
    await sap.edit(_ASKED, Phone1="+44 20 5550101")
    await dynamics.edit(_ASKED, telephone1="+44 20 5550202")
    await dynamics.edit(_RETYPED, customertypecode=RESELLER)
    run = await stage.sync_now()
    stage.check("one record needs a person, and the run says so", run["counts"].get("conflict"), 1)

    partner, account = await sap.customer(_MERGED), await dynamics.account(_MERGED)
    bill_to = next(row for row in partner["BPAddresses"] if row["AddressType"] == "bo_BillTo")
    from_sap = (partner.get("Phone2"), account["telephone2"], bill_to["City"], account["address1_city"])
    expected = ("+39 06 5550111", "+39 06 5550111", "Roma", "Roma")
    stage.check("different fields merge: what SAP changed stands on both sides", from_sap, expected)
    from_dynamics = (partner.get("Website"), account["websiteurl"])
    stage.check("… and what Dynamics changed too", from_dynamics, ("https://dangelo.example",) * 2)
    await _check_ruled(stage, _RULED, "name", ("CardName", "name"), "Żółta Łódź S.A.", "sap")
    await _check_ruled(
        stage, _OTHER_WINS, "email", ("EmailAddress", "emailaddress1"), "einkauf@sakura.example", "other"
    )
    stage.types[_RETYPED] = RESELLER
    mark = await candidate(stage, _RETYPED)
    stage.check("a new relationship type in Dynamics is the mark's account type", mark["accountType"], str(RESELLER))
    asked = (await sap.customer(_ASKED))["Phone1"], (await dynamics.account(_ASKED))["telephone1"]
    stage.check("where the rule is 'ask' neither was overwritten", asked, ("+44 20 5550101", "+44 20 5550202"))


async def _check_ruled(stage: Stage, code: str, field: str, columns: tuple[str, str], value: str, winner: str) -> None:
    both = (await stage.sap.customer(code))[columns[0]], (await stage.dynamics.account(code))[columns[1]]
    stage.check(f"the same field: {winner} wins by the rule of {field}, on both sides", both, (value, value))
    stage.check("… and the hub says that a rule decided", (await stage.explain(code))["ruled"], {field: winner})


async def resolve_conflict(stage: Stage) -> None:
    """The conflict is listed with its fields; a person chooses; the hub carries the answer out."""
    listed = (await stage.api("GET", f"/templates/{TEMPLATE}/conflicts?object=account"))["items"]
    stage.check(
        "the conflict is listed, by record and field", [(c["key"], c["fields"]) for c in listed], [(_ASKED, ["phone"])]
    )
    stage.say((await stage.explain(_ASKED))["summary"])
    answer = {"object": "account", "key": _ASKED, "fields": {"phone": "other"}}
    await stage.api("POST", f"/templates/{TEMPLATE}/conflicts/resolve", answer)
    await stage.sync_now("Sync Now for that record", keys=[_ASKED])
    both = (await stage.sap.customer(_ASKED))["Phone1"], (await stage.dynamics.account(_ASKED))["telephone1"]
    stage.check("the chosen number stands on both sides", both, ("+44 20 5550202",) * 2)
    left = (await stage.api("GET", f"/templates/{TEMPLATE}/conflicts?object=account"))["items"]
    stage.check("no conflict is left", left, [])


async def born_in_dynamics(stage: Stage) -> None:
    """Sales enters accounts; SAP gets customers with codes of its series, and Dynamics gets those codes back."""
    before = set(await stage.sap.customers())
    ids = [await stage.dynamics.create(customertypecode=CUSTOMER, **newcomer) for newcomer in _NEWCOMERS]
    await stage.dynamics.create(name="Radio Leuchtturm", customertypecode=PRESS)
    run = await stage.sync_now()
    stage.check("two customers were created", run["counts"].get("created"), len(ids))
    partners = await stage.sap.customers()
    born = {row["U_HubRef"]: row for code, row in partners.items() if code not in before}
    references = {f"{TEMPLATE}:{key}" for key in ids}
    stage.check("SAP has exactly these two more, each with the mark of its origin", set(born), references)
    accounts = await stage.dynamics.accounts()
    for key in ids:
        partner, account = born[f"{TEMPLATE}:{key}"], accounts[key]
        code = partner["CardCode"]
        stage.check(f"{account['name']} has a code of the series: {code}", bool(_CODE.fullmatch(code)))
        stage.check("… and its account has that number", account["accountnumber"], code)
        stage.check("… in the group that the settings name", partner["GroupCode"], GROUP)
        stage.types[code] = CUSTOMER
    await stage.check_same()


async def again(stage: Stage) -> None:
    """Sync Now again, once for what changed and once for everything: nothing is written on either side."""
    stage.forget_writes()
    for mode in ("delta", "full"):
        await stage.sync_now(f"Sync Now ({mode})", mode=mode)
        stage.check(f"{mode}: not one write in SAP or Dynamics, counted there", stage.writes(), {})
    simulators = stage.environment.simulators
    asked = [sum(one.control.requests.values()) for one in (simulators.sap, simulators.dataverse)]
    stage.say(f"Both runs together asked SAP {asked[0]} times and Dynamics {asked[1]} times.")
    objects = (await stage.api("GET", f"/templates/{TEMPLATE}/objects"))["items"]
    overview = next(one for one in objects if one["object"] == "account")
    stage.check(
        "the overview knows the last run as good", (overview["lastStatus"], overview["activeRun"]), ("succeeded", None)
    )
    stage.say(f"GET {ACCOUNT.rpartition('/')[0]}: last good run {overview['lastGoodAt']}")
