"""CreateMultiple, UpdateMultiple, UpsertMultiple. Web API notes §3.2."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.contract.dataverse_support import UNKNOWN_ID, Dataverse, error_code, running_dataverse

KIND = "Microsoft.Dynamics.CRM.account"
NEW_ID = "0a0b0c0d-1111-4222-8333-444455556666"


@pytest.fixture
async def dataverse() -> AsyncIterator[Dataverse]:
    async with running_dataverse() as running:
        yield running


async def bulk(dataverse: Dataverse, message: str, *targets: dict[str, Any], kind: str | None = KIND) -> httpx.Response:
    typed = [({"@odata.type": kind} if kind else {}) | target for target in targets]
    return await dataverse.post(f"accounts/Microsoft.Dynamics.CRM.{message}", {"Targets": typed})


def names(dataverse: Dataverse) -> list[str]:
    return sorted(row["name"] for row in dataverse.simulator.data_rows("accounts"))


async def test_created_ids_come_in_the_order_of_the_targets(dataverse: Dataverse) -> None:
    answer = await bulk(dataverse, "CreateMultiple", {"name": "A"}, {"name": "B", "accountid": NEW_ID}, {"name": "C"})
    assert answer.status_code == 200
    ids = answer.json()["Ids"]
    assert ids[1] == NEW_ID
    assert [dataverse.simulator.store.rows("account").by_id[key]["name"] for key in ids] == ["A", "B", "C"]
    assert answer.json()["@odata.context"].endswith("#Microsoft.Dynamics.CRM.CreateMultipleResponse")


@pytest.mark.parametrize("message", ["CreateMultiple", "UpdateMultiple", "UpsertMultiple"])
async def test_every_target_must_name_its_type(dataverse: Dataverse, message: str) -> None:
    answer = await bulk(dataverse, message, {"name": "A"}, kind=None)
    assert (answer.status_code, error_code(answer)) == (400, "0x80048d19")
    wrong = await bulk(dataverse, message, {"name": "A", "accountid": NEW_ID}, kind="Microsoft.Dynamics.CRM.contact")
    assert wrong.status_code in (400, 404)
    assert names(dataverse) == []
    hash_sign = await bulk(dataverse, "CreateMultiple", {"name": "A"}, kind=f"#{KIND}")
    assert hash_sign.status_code == 200


@pytest.mark.parametrize("message", ["CreateMultiple", "UpsertMultiple"])
async def test_one_bad_row_leaves_nothing_written_and_is_not_named(dataverse: Dataverse, message: str) -> None:
    """All or nothing; the error is that of one cause, without a list."""
    answer = await bulk(dataverse, message, {"name": "A"}, {"name": "B", "accountnumber": "x" * 21}, {"name": "C"})
    assert (answer.status_code, error_code(answer)) == (400, "0x80044331")
    assert names(dataverse) == []
    assert dataverse.simulator.control.written["accounts"] == 0


async def test_a_rolled_back_update_restores_rows_and_indexes(dataverse: Dataverse) -> None:
    keys = dataverse.simulator.seed("account", [{"name": "A", "accountnumber": "1"}, {"name": "B"}])
    path = "accounts?$select=name&$filter=accountnumber eq '9'"
    assert (await dataverse.get(path)).json()["value"] == []
    before = dataverse.simulator.data_rows("accounts")
    answer = await bulk(
        dataverse,
        "UpdateMultiple",
        {"accountid": keys[0], "accountnumber": "9"},
        {"accountid": UNKNOWN_ID, "name": "X"},
    )
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == f"account With Ids = {UNKNOWN_ID} Do Not Exist"
    assert dataverse.simulator.data_rows("accounts") == before
    assert (await dataverse.get(path)).json()["value"] == []


async def test_an_update_takes_the_key_property_or_the_address(dataverse: Dataverse) -> None:
    first, second = dataverse.simulator.seed("account", [{"name": "A"}, {"name": "B"}])
    targets = ({"accountid": first, "name": "A2"}, {"@odata.id": f"accounts({second})", "name": "B2"})
    answer = await bulk(dataverse, "UpdateMultiple", *targets)
    assert (answer.status_code, answer.content) == (204, b"")
    assert names(dataverse) == ["A2", "B2"]


async def test_an_upsert_answers_nothing_at_all(dataverse: Dataverse) -> None:
    """204, no ids, no flag; created and updated rows look alike."""
    (key,) = dataverse.simulator.seed("account", [{"name": "old"}])
    answer = await bulk(
        dataverse, "UpsertMultiple", {"accountid": key, "name": "new"}, {"accountid": NEW_ID, "name": "N"}
    )
    assert (answer.status_code, answer.content) == (204, b"")
    assert names(dataverse) == ["N", "new"]
    assert dataverse.simulator.store.get("account", NEW_ID) is not None


async def test_an_upsert_by_alternate_key_must_not_repeat_the_key_in_the_body_of_a_create(dataverse: Dataverse) -> None:
    dataverse.simulator.add_alternate_key("account", ["accountnumber"])
    target = {"@odata.id": "accounts(accountnumber='A1')", "name": "A"}
    answer = await bulk(dataverse, "UpsertMultiple", target | {"accountnumber": "A1"})
    assert (answer.status_code, error_code(answer)) == (400, "0x80048d19")
    assert names(dataverse) == []
    assert (await bulk(dataverse, "UpsertMultiple", target)).status_code == 204
    row = (await dataverse.get("accounts(accountnumber='A1')?$select=name,accountnumber")).json()
    assert (row["name"], row["accountnumber"]) == ("A", "A1")


async def test_one_key_twice_in_a_chunk_collides(dataverse: Dataverse) -> None:
    for message in ("CreateMultiple", "UpsertMultiple"):
        answer = await bulk(dataverse, message, {"accountid": NEW_ID, "name": "A"}, {"accountid": NEW_ID, "name": "B"})
        assert answer.status_code == 412
        assert answer.json()["error"]["message"] == "Cannot insert duplicate key."
    assert names(dataverse) == []


async def test_a_table_without_the_message_refuses_it_and_the_filters_say_so(dataverse: Dataverse) -> None:
    target = {"@odata.type": "Microsoft.Dynamics.CRM.transactioncurrency", "currencyname": "X"}
    path = "transactioncurrencies/Microsoft.Dynamics.CRM.CreateMultiple"
    assert (await dataverse.post(path, {"Targets": [target]})).status_code == 400
    query = "sdkmessagefilters?$select=sdkmessagefilterid&$filter=sdkmessageid/name eq '{}' and primaryobjecttypecode eq '{}'"
    for table, expected in (("account", 1), ("transactioncurrency", 0)):
        answer = await dataverse.get(query.format("UpsertMultiple", table))
        assert len(answer.json()["value"]) == expected


async def test_bulk_messages_are_configurable() -> None:
    async with running_dataverse(bulk={"account": ["CreateMultiple"]}) as dataverse:
        assert (await bulk(dataverse, "CreateMultiple", {"name": "A"})).status_code == 200
        assert (await bulk(dataverse, "UpsertMultiple", {"name": "A"})).status_code == 400


async def test_delete_multiple_is_for_elastic_tables(dataverse: Dataverse) -> None:
    answer = await bulk(dataverse, "DeleteMultiple", {"accountid": NEW_ID})
    assert answer.json()["error"]["message"] == "DeleteMultiple has not yet been implemented."


async def test_a_bulk_write_counts_its_rows_and_is_one_request(dataverse: Dataverse) -> None:
    await bulk(dataverse, "CreateMultiple", {"name": "A"}, {"name": "B"})
    stats = dataverse.simulator.control.stats()
    assert stats["requests"] == {"POST accounts/CreateMultiple 200": 1}
    assert stats["writes"] == {"accounts create": 2}
