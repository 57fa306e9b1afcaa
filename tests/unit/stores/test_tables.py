"""Tables against Azurite: what is kept, what is refused, who loses a race."""

from __future__ import annotations

import asyncio
import base64
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import BadRequest, LostRace, Misconfigured, Transient
from shared.stores.storage import CallCounter
from shared.stores.tables import LostTransaction, Op, Table, Tables, decode_key, encode_key
from tests.faults.proxy import Moment, StorageProxy, cut

ONCE = {"retry_total": 0, "retry_connect": 0, "retry_read": 0, "retry_status": 0}


def row(rk: str, pk: str = "p", **columns: Any) -> dict[str, Any]:
    return {"PartitionKey": pk, "RowKey": rk, **columns}


def plain(read: dict[str, Any] | None) -> dict[str, Any]:
    """The row's columns without its ETag, which it must have."""
    assert read is not None
    assert read["etag"].startswith("W/")
    return {name: value for name, value in read.items() if name != "etag"}


async def keys(found: Any) -> list[str]:
    return [one["RowKey"] async for one in found]


# --- Single rows ----------------------------------------------------------------------------------------------------


async def test_every_kind_of_value_comes_back_as_it_was_written(tables: Tables) -> None:
    table = tables.table("values")
    moment = datetime(2026, 11, 21, 9, 30, 15, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    kept = {"text": "naïve 😀 'quoted' \x00", "whole": 7, "large": 2**40, "yes": True, "at": moment, "raw": b"\x00\xff"}
    await table.put(row("r", gone=None, **kept))
    found = await table.get("p", "r")
    assert plain(found) == row("r", **{**kept, "at": moment.astimezone(UTC)})
    assert found is not None
    assert type(found["at"]) is datetime
    assert type(found["large"]) is int


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (1.5, TypeError),
        ({"a": 1}, TypeError),
        (datetime(2026, 1, 1), ValueError),  # noqa: DTZ001 - that is the point
        ("x" * 32_769, ValueError),
        (b"x" * 65_537, ValueError),
    ],
)
async def test_a_value_tables_cannot_hold_is_refused_by_the_columns_name(
    tables: Tables, counter: CallCounter, value: object, error: type[Exception]
) -> None:
    with pytest.raises(error, match="amount"):
        await tables.table("values").put(row("r", amount=value))
    assert counter.total == 0


async def test_the_longest_text_fits(tables: Tables) -> None:
    await tables.table("values").put(row("r", text="é" * 32_768))
    assert len((await tables.table("values").get("p", "r") or {})["text"]) == 32_768


async def test_reading_what_is_not_there_finds_nothing_and_creates_nothing(
    tables: Tables, counter: CallCounter
) -> None:
    table = tables.table("nothing")
    assert await table.get("p", "r") is None
    assert await keys(table.query("p")) == []
    assert await keys(table.query("p", rows=["a", "b"])) == []
    assert await table.page("p") == ([], None)
    await table.delete("p", "r")
    assert not [call for call in counter.calls if call[0] == "POST"]
    await table.insert(row("other"))
    assert await table.get("p", "r") is None
    await table.delete("p", "r")


async def test_a_table_is_created_with_its_first_write_also_when_many_come_at_once(tables: Tables) -> None:
    table = tables.table("raced")
    writes = [table.put(row(str(n))) for n in range(4)]
    more = [table.transact([Op("insert", row(f"t{n}"))]) for n in range(4)]
    await asyncio.gather(*writes, *more)
    assert len(await keys(table.query("p"))) == 8


async def test_select_reads_only_these_columns(tables: Tables) -> None:
    await tables.table("some").put(row("r", a=1, b=2))
    assert plain(await tables.table("some").get("p", "r", select=["b"])) == {"b": 2}
    assert [plain(one) async for one in tables.table("some").query("p", rows=["r"], select=["b"])] == [row("r", b=2)]


async def test_an_insert_of_a_row_that_exists_loses(tables: Tables) -> None:
    await tables.table("guarded").insert(row("r"))
    with pytest.raises(LostRace) as lost:
        await tables.table("guarded").insert(row("r"))
    assert lost.value.code == "exists"


async def test_only_one_of_two_writers_that_read_the_same_row_wins(tables: Tables) -> None:
    table = tables.table("guarded")
    await table.insert(row("r", n=0))
    read = await table.get("p", "r")
    assert read is not None
    etag = await table.replace(row("r", n=1), read["etag"])
    for losing in (table.replace(row("r", n=2), read["etag"]), table.merge(row("r", n=2), read["etag"])):
        with pytest.raises(LostRace) as lost:
            await losing
        assert lost.value.code == "changed"
    with pytest.raises(LostRace):
        await table.delete("p", "r", read["etag"])
    assert (await table.get("p", "r") or {})["n"] == 1
    await table.delete("p", "r", etag)
    assert await table.get("p", "r") is None


async def test_an_update_of_a_missing_row_loses_and_a_delete_of_one_is_fine(tables: Tables) -> None:
    table = tables.table("guarded")
    for losing in (table.replace(row("r")), table.merge(row("r"))):
        with pytest.raises(LostRace) as lost:
            await losing
        assert lost.value.code == "missing"
    await table.put(row("r"))
    read = await table.get("p", "r")
    assert read is not None
    await table.delete("p", "r")
    await table.delete("p", "r", read["etag"])


async def test_merge_leaves_other_columns_and_replace_does_not(tables: Tables) -> None:
    table = tables.table("guarded")
    await table.insert(row("r", a=1, b=2))
    await table.merge(row("r", b=3))
    assert plain(await table.get("p", "r")) == row("r", a=1, b=3)
    await table.replace(row("r", b=4))
    assert plain(await table.get("p", "r")) == row("r", b=4)


async def test_a_writes_answer_is_the_etag_that_a_read_shows(tables: Tables) -> None:
    table = tables.table("guarded")
    for write in (table.insert, table.put, table.replace, table.merge):
        etag = await write(row("r", n=1))
        assert (await table.get("p", "r") or {})["etag"] == etag
    [etag] = await table.transact([Op("merge", row("r", n=2), etag)])
    assert (await table.get("p", "r") or {})["etag"] == etag


async def test_a_key_that_was_not_encoded_never_reaches_the_store(tables: Tables, counter: CallCounter) -> None:
    table = tables.table("keys")
    with pytest.raises(ValueError, match="RowKey"):
        await table.put(row("a/b"))
    with pytest.raises(ValueError, match="key"):
        await keys(table.query("p", rows=["a\x00"]))
    assert counter.total == 0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=30) | st.sampled_from(["a/b\\c#d?e%f", "😀%2F", "עברית", "\x00", "O'Brien", "a+b &=c"]))
async def test_an_encoded_key_finds_its_row_by_every_way_of_reading(azurite: str, text: str) -> None:
    async with Tables(azurite, prefix="keys") as opened:
        table, pk, rk = opened.table("odd"), "p" + uuid.uuid4().hex, "r:" + encode_key(text)
        await table.transact([Op("insert", row(rk, pk, text=text))])
        assert (await table.get(pk, rk) or {})["text"] == text
        assert await keys(table.query(pk, rows=[rk])) == [rk]
        assert await keys(table.query(pk, low=rk)) == [rk]
        await table.merge(row(rk, pk, n=1))
        await table.transact([Op("merge", row(rk, pk, n=2))])
        [found] = [one async for one in table.query(pk)]
        assert decode_key(found["RowKey"].removeprefix("r:")) == text
        await table.delete(pk, rk)
        assert await table.get(pk, rk) is None


# --- Many rows ------------------------------------------------------------------------------------------------------


async def filled(tables: Tables, count: int) -> Any:
    table = tables.table("many")
    rows = [row(f"r{n:04}", n=n) for n in range(count)]
    for start in range(0, count, 100):
        await table.transact([Op("insert", one) for one in rows[start : start + 100]])
    return table


async def test_a_range_holds_its_low_end_and_not_its_high_end_over_several_pages(tables: Tables) -> None:
    table = await filled(tables, 30)
    found = await keys(table.query("p", low="r0003", high="r0025", page=5))
    assert found == [f"r{n:04}" for n in range(3, 25)]


async def test_named_rows_come_each_once_in_the_order_asked_for(tables: Tables, counter: CallCounter) -> None:
    table = await filled(tables, 60)
    counter.clear()
    wanted = [f"r{n:04}" for n in range(59, -1, -1)]
    assert await keys(table.query("p", rows=[*wanted, "missing", *wanted])) == wanted
    assert counter.calls == {("GET", table.name): 5}


async def test_a_filter_never_holds_more_than_fifteen_comparisons(azurite: str, prefix: str) -> None:
    seen: list[str] = []
    watching = CallCounter()
    watching_call = watching.__call__

    def watch(request: Any) -> None:
        seen.append(request.http_request.url)
        watching_call(request)

    async with Tables(azurite, prefix=prefix, counter=watch) as opened:  # type: ignore[arg-type]
        await keys(opened.table("many").query("p", rows=[f"r{n}" for n in range(31)]))
    assert [url.count("%20eq%20") for url in seen] == [15, 15, 4]


async def test_pages_continue_where_the_last_one_ended(tables: Tables) -> None:
    table = await filled(tables, 10)
    found: list[str] = []
    continuation: str | None = None
    for expected in (4, 4, 2):
        rows, continuation = await table.page("p", continuation=continuation, size=4)
        assert len(rows) == expected
        found += [one["RowKey"] for one in rows]
    assert continuation is None
    assert found == [f"r{n:04}" for n in range(10)]


@pytest.mark.parametrize("token", ["x", "%%%", base64.urlsafe_b64encode(b"[1, 2]").decode(), "bnVsbA==", "W10="])
async def test_a_continuation_that_is_none_of_ours_is_a_bad_request(tables: Tables, token: str) -> None:
    with pytest.raises(BadRequest):
        await tables.table("many").page("p", continuation=token)


# --- Transactions ---------------------------------------------------------------------------------------------------


async def test_a_transaction_does_all_kinds_of_change_in_one_call(tables: Tables, counter: CallCounter) -> None:
    table = tables.table("together")
    await table.transact([Op("insert", row(name, n=0)) for name in "abcd"])
    old = await table.get("p", "a")
    assert old is not None
    counter.clear()
    etags = await table.transact(
        [
            Op("replace", row("a", n=1), old["etag"]),
            Op("merge", row("b", m=1)),
            Op("put", row("c", n=1)),
            Op("delete", row("d", n="not looked at")),
            Op("insert", row("e")),
        ]
    )
    assert counter.calls == {("BATCH", table.name): 1}
    assert [plain(one) async for one in table.query("p")] == [
        row("a", n=1),
        row("b", n=0, m=1),
        row("c", n=1),
        row("e"),
    ]
    assert [bool(etag) for etag in etags] == [True, True, True, False, True]


LOSING: list[tuple[Op, str]] = [
    (Op("insert", row("there")), "exists"),
    (Op("replace", row("gone")), "missing"),
    (Op("merge", row("gone")), "missing"),
    (Op("delete", row("gone")), "missing"),
    (Op("replace", row("there"), "W/\"datetime'2001-01-01T00%3A00%3A00.0000000Z'\""), "changed"),
    (Op("merge", row("there"), "W/\"datetime'2001-01-01T00%3A00%3A00.0000000Z'\""), "changed"),
    (Op("delete", row("there"), "W/\"datetime'2001-01-01T00%3A00%3A00.0000000Z'\""), "changed"),
]


@pytest.mark.parametrize(("losing", "code"), LOSING)
async def test_a_lost_transaction_names_the_operation_and_changes_nothing(
    tables: Tables, losing: Op, code: str
) -> None:
    table = tables.table("together")
    await table.insert(row("there", n=0))
    with pytest.raises(LostTransaction) as lost:
        await table.transact([Op("put", row("x")), Op("put", row("y")), losing, Op("put", row("z"))])
    assert (lost.value.index, lost.value.code) == (2, code)
    assert [plain(one) async for one in table.query("p")] == [row("there", n=0)]


async def test_a_transaction_that_is_too_large_is_refused_and_never_split(tables: Tables, counter: CallCounter) -> None:
    with pytest.raises(ValueError, match="101"):
        await tables.table("together").transact([Op("put", row(str(n))) for n in range(101)])
    assert counter.total == 0
    assert await tables.table("together").transact([]) == []


async def test_a_full_transaction_fits(tables: Tables) -> None:
    table = tables.table("together")
    assert len(await table.transact([Op("put", row(f"{n:03}", text="x" * 9_000)) for n in range(100)])) == 100


# --- A store that is not well ---------------------------------------------------------------------------------------


async def _answers(status: int, headers: Sequence[str] = ()) -> tuple[asyncio.Server, str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        lines = [f"HTTP/1.1 {status} X", "Content-Length: 0", "Connection: close", *headers, "", ""]
        writer.write("\r\n".join(lines).encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/devstoreaccount1"


@pytest.mark.parametrize(
    ("status", "error"), [(429, Transient), (500, Transient), (503, Transient), (403, Misconfigured), (400, ValueError)]
)
async def test_a_store_that_answers_an_error_is_named_by_what_to_do_next(
    azurite: str, status: int, error: type[Exception]
) -> None:
    server, url = await _answers(status)
    account = azurite.split("BlobEndpoint")[0] + f"TableEndpoint={url}"
    async with server, Tables(account, retry=ONCE) as opened:
        with pytest.raises(error):
            await opened.table("any").get("p", "r")
        with pytest.raises(error):
            await opened.table("any").transact([Op("put", row("r"))])


async def test_a_store_that_cannot_be_reached_is_transient(azurite: str) -> None:
    server, url = await _answers(500)
    server.close()
    await server.wait_closed()
    account = azurite.split("BlobEndpoint")[0] + f"TableEndpoint={url}"
    async with Tables(account, retry=ONCE) as opened:
        for call in (opened.table("any").get("p", "r"), opened.table("any").put(row("r")), opened.ping()):
            with pytest.raises(Transient) as failed:
                await call
            assert failed.value.system == "storage"


# --- A connection that is lost --------------------------------------------------------------------------------------

type Write = Callable[[Table, str | None], Awaitable[Any]]

#: Those that the SDK does not repeat, here on a row that exists with that ETag or, for the insert, on a new one.
WRITES: dict[str, Write] = {
    "insert": lambda table, _: table.insert(row("new", n=2)),
    "merge": lambda table, etag: table.merge(row("r", n=2), etag),
    "transaction": lambda table, etag: table.transact([Op("replace", row("r", n=2), etag), Op("insert", row("new"))]),
}


@pytest_asyncio.fixture
async def proxy(azurite: str) -> AsyncIterator[StorageProxy]:
    """Between these tests and storage; it cuts connections."""
    blob, queue, table = (int(port) for port in re.findall(r":(\d+)/", azurite))
    async with StorageProxy((blob, queue, table)) as opened:
        yield opened


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_a_write_whose_connection_was_lost_is_sent_again_at_once(
    proxy: StorageProxy, prefix: str, write: Write
) -> None:
    counter = CallCounter()
    async with Tables(proxy.connection_string, prefix=prefix, counter=counter) as tables:
        table = tables.table("cut")
        etag = await table.put(row("r", n=1))
        counter.clear()
        proxy.on(cut, method="POST|PATCH")
        await write(table, etag)
        assert counter.total == 2
        assert 2 in [found.get("n") async for found in table.query("p")]


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_a_write_that_was_done_though_its_answer_was_lost_never_counts_as_a_lost_race(
    proxy: StorageProxy, prefix: str, write: Write
) -> None:
    async with Tables(proxy.connection_string, prefix=prefix) as tables:
        table = tables.table("cut")
        etag = await table.put(row("r", n=1))
        proxy.on(cut, method="POST|PATCH", moment=Moment.AFTER)
        with pytest.raises(Transient):
            await write(table, etag)
        assert 2 in [found.get("n") async for found in table.query("p")]


async def test_a_write_that_may_be_done_twice_does_not_mind_a_lost_answer(proxy: StorageProxy, prefix: str) -> None:
    async with Tables(proxy.connection_string, prefix=prefix) as tables:
        table = tables.table("cut")
        await table.put(row("other"))
        proxy.on(cut, method="POST", moment=Moment.AFTER)
        await table.transact([Op("put", row("r", n=1))])
        assert plain(await table.get("p", "r")) == row("r", n=1)


async def test_the_first_write_of_a_table_creates_it_also_after_a_lost_connection(
    proxy: StorageProxy, prefix: str
) -> None:
    async with Tables(proxy.connection_string, prefix=prefix) as tables:
        proxy.on(cut, method="POST")
        await tables.table("late").insert(row("r", n=1))
        assert plain(await tables.table("late").get("p", "r")) == row("r", n=1)


async def test_a_connection_that_is_lost_twice_is_transient(proxy: StorageProxy, prefix: str) -> None:
    async with Tables(proxy.connection_string, prefix=prefix) as tables:
        table = tables.table("cut")
        await table.put(row("r"))
        rule = proxy.on(cut, method="POST", times=None)
        with pytest.raises(Transient):
            await table.insert(row("new"))
        assert rule.hits == 2


async def test_ping_counts_one_cheap_read(tables: Tables, counter: CallCounter) -> None:
    await tables.ping()
    assert counter.total == 1
