"""Collect: deliveries in any order, killed, at once; what differs in them; what is forgotten.

``WORKBENCH_DELIVERIES=10`` multiplies the orders and kills.
"""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from tabular import raw_files, raw_rows, raw_table, tables
from tabular.moments import moment
from tabular.raw_location import locate
from tests.azurite import ACCOUNT
from tests.src.deliveries import WORDS, write_months
from tests.src.running import SRC, error_of, run

TIMES = int(os.environ.get("WORKBENCH_DELIVERIES", "1"))
ROWS = 100
Digests = dict[str, str]


def collect(table: object, data: Path, folder: Path, *words: str) -> dict[str, Any]:
    """Collect from a file or folder; return what the script wrote."""
    run("collect", "--raw-table", table, "--data", data, *WORDS, folder / "deliveries", *words)
    content: dict[str, Any] = json.loads((folder / "deliveries" / "deliveries.json").read_text("utf-8"))
    return content


def digests(table: object) -> Digests:
    """Return the digest of what is known at the end of each delivery."""
    location = locate(str(table))
    deliveries = raw_table.RawTable.existing(location).deliveries()
    times = [record["known_since"] for record in deliveries]
    return {time: raw_table.recorded_digest(location, moment(time, "")) for time in times}


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_months(tmp_path_factory.mktemp("shop") / "orders", ROWS)


@pytest.fixture(scope="module")
def in_order(months: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The raw table of the twelve months in their order."""
    folder = tmp_path_factory.mktemp("in-order")
    collect(folder / "raw", months[0].parent, folder)
    return folder


def test_any_order_of_deliveries_leads_to_the_same_rows_at_all_times(
    months: list[Path], in_order: Path, tmp_path: Path
) -> None:
    expected = digests(in_order / "raw")
    assert len(set(expected.values())) == 12
    for seed in range(2 * TIMES):
        shuffled = random.Random(seed).sample(months, 12)
        for file in shuffled:
            collect(tmp_path / f"raw-{seed}", file, tmp_path)
        assert digests(tmp_path / f"raw-{seed}") == expected, shuffled
    location = locate(str(tmp_path / "raw-0"))
    assert raw_rows.read_known(location).equals(raw_rows.read_known(locate(str(in_order / "raw"))))


def test_rows_are_those_that_the_deliveries_say(months: list[Path], in_order: Path) -> None:
    stated: dict[int, dict[str, object]] = {}
    for number, file in enumerate(months):
        stated |= {row["order"]: row for row in pd.read_csv(file).to_dict("records")}
        if number in (0, 6, 11):
            rows = raw_rows.read_known(locate(str(in_order / "raw")), moment(file.stem[7:], "--as-of"))
            expected = pd.DataFrame(stated.values())
            expected["ordered"] = pd.to_datetime(expected["ordered"])
            expected = expected.sort_values(["ordered", "order"], ignore_index=True)
            assert rows.to_csv() == expected.to_csv()
            assert rows.dtypes.to_dict() == expected.dtypes.to_dict()


def test_what_each_delivery_brought_is_recorded(in_order: Path) -> None:
    content = json.loads((in_order / "deliveries" / "deliveries.json").read_text("utf-8"))
    assert content["rows"] == 12 * ROWS
    first, second, *_ = content["deliveries"]
    assert (first["delivery"], first["known_since"]) == ("orders-2013-01.csv", "2013-02-01T00:00:00")
    assert [first[name] for name in ("rows", "new", "duplicate", "corrected")] == [100, 100, 0, 0]
    assert [second[name] for name in ("rows", "new", "duplicate", "corrected")] == [104, 100, 3, 1]
    changes = [record["changes"] for record in content["deliveries"]]
    assert changes == [[]] * 6 + [["new column discount (float): accepted"]] + [[]] * 5


def test_a_delivery_that_comes_again_adds_nothing(
    months: list[Path], in_order: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    location = locate(str(in_order / "raw"))
    before = raw_table.RawTable.existing(location).delta.version()
    collect(in_order / "raw", months[3], tmp_path)
    assert "0 of 1 deliveries were new" in capsys.readouterr().out
    assert raw_table.RawTable.existing(location).delta.version() == before
    renamed = tmp_path / "again.csv"
    renamed.write_bytes(months[3].read_bytes())
    raw = tmp_path / "raw"
    collect(raw, months[3], tmp_path)
    content = collect(raw, renamed, tmp_path, "--delivery-time", "2014-01-01")
    assert content["rows"] == len(tables.read_table(months[3]))
    assert "0 new, 104 duplicate, 0 corrected" in capsys.readouterr().out


def test_until_leaves_later_deliveries(months: list[Path], tmp_path: Path) -> None:
    content = collect(tmp_path / "raw", months[0].parent, tmp_path, "--until", "2013-03")
    assert [record["delivery"] for record in content["deliveries"]] == [file.name for file in months[:3]]


def collector(raw: object, data: Path, folder: Path) -> subprocess.Popen[str]:
    words = ["--raw-table", str(raw), "--data", str(data), *WORDS, str(folder)]
    command = [sys.executable, str(SRC / "collect.py"), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")


def test_a_killed_collector_leaves_whole_deliveries(
    months: list[Path], in_order: Path, tmp_path: Path
) -> None:
    expected = digests(in_order / "raw")
    rng = random.Random(1)
    for number in range(2 * TIMES):
        raw, last = tmp_path / f"raw-{number}", rng.randrange(10)
        with collector(raw, months[0].parent, tmp_path / "out") as process:
            assert process.stdout
            for _ in range(last):
                process.stdout.readline()
            work_on(rng.random() * 0.2)
            process.kill()
        there = digests(raw) if (raw / "_delta_log").is_dir() else {}
        assert there.items() <= expected.items()
        assert len(there) >= last
        collect(raw, months[0].parent, tmp_path)
        assert digests(raw) == expected


def work_on(seconds: float) -> None:
    """Let the collector work on, to be killed somewhere in the midst of a delivery."""
    time.sleep(seconds)


def test_two_collectors_at_once_lose_nothing(months: list[Path], in_order: Path, tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    for file in months[::2]:
        (tmp_path / "odd" / file.name).write_bytes(file.read_bytes())
    both = [
        collector(tmp_path / "raw", source, tmp_path / f"out-{number}")
        for number, source in enumerate((tmp_path / "odd", months[0].parent))
    ]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert digests(tmp_path / "raw") == digests(in_order / "raw")


def test_the_same_in_a_blob_container(
    months: list[Path], in_order: Path, azurite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from azure.storage.blob import BlobServiceClient

    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite)
    expected = digests(in_order / "raw")
    raw = f"blob:{ACCOUNT}/collected/raw"
    with BlobServiceClient.from_connection_string(azurite) as client:
        container = client.create_container("collected")
        for file in months:
            container.upload_blob(f"in/{file.name}", file.read_bytes())
        others = collector(raw, months[0].parent, tmp_path / "out")
        source = ["--remote", f"blob:{ACCOUNT}/collected/in", *WORDS]
        run("collect", "--raw-table", raw, *source, tmp_path / "deliveries")
        assert others.wait() == 0, others.communicate()
        assert digests(raw) == expected
        run("ingest", "--raw-table", raw, "--as-of", "2013-05", "--table", tmp_path / "blob")
        run("ingest", "--raw-table", in_order / "raw", "--as-of", "2013-05", "--table", tmp_path / "folder")
        assert (tmp_path / "blob/table.parquet").read_bytes() == (
            tmp_path / "folder/table.parquet"
        ).read_bytes()
        run("collect", "--raw-table", raw, *source, tmp_path / "deliveries", "--forget", "order=7")
        for blob in container.list_blobs("raw/"):
            if blob.name.endswith(".parquet"):
                content = io.BytesIO(container.download_blob(blob.name).readall())
                assert 7 not in pq.read_table(content)["order"].to_pylist()
    assert 7 not in raw_rows.read_known(locate(raw))["order"].to_numpy()
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite.replace("AccountKey=", "AccountKey=AAAA"))
    said = error_of(run, "ingest", "--raw-table", raw, "--table", tmp_path / "t")
    assert said.startswith(f"cannot use the raw table at {raw}: ")
    assert "AAAA" not in said


def test_forgotten_rows_are_in_no_file(months: list[Path], tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    for file in months[:3]:
        collect(raw, file, tmp_path)
    location = locate(str(raw))
    person = str(raw_rows.read_known(location)["customer"].iloc[0])
    others = raw_rows.read_known(location, moment("2013-02", "")).query("customer != @person")
    (raw / "part-of-a-killed-collector.parquet").write_bytes(next(raw.glob("*.parquet")).read_bytes())
    for file in raw.glob("part-of-*"):
        os.utime(file, (0, 0))
    content = collect(raw, months[0], tmp_path, "--forget", f"customer={person}")
    assert content["forgotten"] == [{"column": "customer", "versions": content["forgotten"][0]["versions"]}]
    for file in raw.rglob("*"):
        if file.suffix == ".parquet":
            assert person not in pq.read_table(file)["customer"].to_pylist()
        elif file.is_file():
            assert person not in file.read_text("utf-8")
    then = raw_rows.read_known(location, moment("2013-02", ""))
    assert then.equals(others.reset_index(drop=True))
    collect(raw, months[0], tmp_path)
    assert person not in set(raw_rows.read_known(location)["customer"])


def delivered(folder: Path, *tables: pd.DataFrame) -> Path:
    """Write tables as deliveries of consecutive days, and collect all but the last."""
    for day, table in enumerate(tables, start=1):
        table.to_csv(folder / f"2020-01-{day:02}.csv", index=False)
        if day < len(tables):
            collect(folder / "raw", folder / f"2020-01-{day:02}.csv", folder)
    return folder / f"2020-01-{len(tables):02}.csv"


ORDERS = pd.DataFrame({"order": [1, 2], "ordered": ["2020-01-01T00:00", "2020-01-01T01:00"], "n": [5, 6]})
SCHEMA = """
columns:
  order: {dtype: int64, coerce: true}
  ordered: {dtype: "datetime64[ns]", coerce: true}
  n: {dtype: int64, coerce: true, in_range: {min_value: 0, max_value: 9}}
thresholds: {"*": {warn: 0, fail: 0.5}}
rules: {n by order: n >= order}
references: {known order: {columns: [order], table: known}}
"""
FOUR = pd.DataFrame({"order": [1, 2, 3, 4], "ordered": "2020-01-01T00:00", "n": [5, 6, 7, 8]})
# a number out of range, a word, a broken rule, an unknown order: each in one row of four
FAULTY = FOUR.assign(order=[1, 2, 3, 9], n=["5", "600", "no", "8"])


def appended(folder: Path, days: int) -> Path:
    """Collect deliveries of new orders alone; return the raw table."""
    more = [ORDERS.assign(order=ORDERS["order"] + 2 * day) for day in range(days)]
    collect(folder / "raw", delivered(folder, *more), folder)
    return folder / "raw"


def test_small_files_become_few_and_nothing_else_changes(tmp_path: Path) -> None:
    raw = appended(tmp_path, 4)
    location, before = locate(str(raw)), digests(raw)
    then = raw_rows.read_known(location, moment("2020-01-02", ""))
    assert (raw_files.compact(location, most=4), len([*raw.glob("*.parquet")])) == (0, 4)
    assert (raw_files.compact(location, most=3), len([*raw.glob("*.parquet")])) == (4, 1)
    assert digests(raw) == before
    assert raw_rows.read_known(location, moment("2020-01-02", "")).equals(then)


def test_collect_keeps_files_few(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = appended(tmp_path, raw_files.MOST_FILES + 1)
    assert "the rows of 17 files were written into fewer" in capsys.readouterr().out
    assert len([*raw.glob("*.parquet")]) == 1


def test_a_table_whose_files_are_replaced_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, batches, times = appended(tmp_path, 2), raw_table.RawTable.batches, 0

    def interrupted(table: raw_table.RawTable, columns: Sequence[str] | None = None) -> object:
        nonlocal times
        times += 1
        if times == 1:
            raw_files.compact(locate(str(raw)), most=1)
        return batches(table, columns)

    monkeypatch.setattr(raw_table.RawTable, "batches", interrupted)
    assert len(raw_rows.read_known(locate(str(raw)))) == 4
    assert times == 2


@pytest.fixture
def checked(tmp_path: Path) -> list[str]:
    """The words that check deliveries of orders against a schema."""
    (tmp_path / "schema.yml").write_text(SCHEMA, encoding="utf-8")
    FOUR.to_csv(tmp_path / "known.csv", index=False)
    return ["--schema", str(tmp_path / "schema.yml"), "--related", str(tmp_path / "known.csv")]


def test_rows_that_fail_the_schema_are_put_aside_with_their_reasons(
    tmp_path: Path, checked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    raw, aside = tmp_path / "raw", locate(str(tmp_path / "raw-quarantine"))
    last = delivered(tmp_path, FOUR, FAULTY)
    content = collect(raw, last, tmp_path, *checked, "--on-warning", "quarantine")
    said = capsys.readouterr().out
    assert "warning: delivery 2020-01-02.csv: column 'n': 1 of 4 values fail in_range(0, 9): 600" in said
    assert "2020-01-02.csv: 1 rows: 0 new, 1 duplicate, 0 corrected, 3 quarantined" in said
    first, second = content["deliveries"]
    assert "violations" not in first
    assert [second[name] for name in ("violations", "rows_with_violations", "quarantined")] == [4, 3, 3]
    assert {(check["column"], check["reason"]): check["examples"] for check in second["checks"]} == {
        ("n", "cannot be read as int64"): [2],
        ("n", "fails in_range(0, 9)"): [1],
        ("n, order", "fails n >= order"): [3],
        ("order", "is not in known"): [3],
    }
    assert raw_rows.read_known(locate(str(raw)))["n"].tolist() == [5, 6, 7, 8]
    rows = raw_rows.read_known(aside)
    names = ["delivery", "row", "column", "value"]
    assert rows[[f"quarantined_{name}" for name in names]].values.tolist() == [
        ["2020-01-02.csv", 1, "n", "600"],
        ["2020-01-02.csv", 2, "n", "no"],
        ["2020-01-02.csv", 3, "n, order", "8, 9"],
        ["2020-01-02.csv", 3, "order", "9"],
    ]
    assert rows["order"].tolist() == ["2", "3", "9", "9"]
    collect(raw, last, tmp_path, *checked, "--forget", "order=9")
    assert raw_rows.read_known(aside)["order"].tolist() == ["2", "3"]


def test_a_delivery_that_fails_the_schema_stops_whole(tmp_path: Path, checked: list[str]) -> None:
    raw = tmp_path / "raw"
    last = delivered(tmp_path, FOUR, FOUR.assign(n=[5, 60, 70, 80]))
    before = digests(raw)
    assert error_of(collect, raw, last, tmp_path, *checked).splitlines() == [
        "delivery 2020-01-02.csv does not match schema.yml:",
        "  column 'n': 3 of 4 values fail in_range(0, 9), more than 50.00% of the rows: 60 (row 1), "
        "70 (row 2), 80 (row 3)",
        "fix the rows at their source, or the schema; --on-failure quarantine lists them all",
    ]
    assert digests(raw) == before
    content = collect(raw, last, tmp_path, *checked, "--on-failure", "quarantine")
    assert content["deliveries"][-1]["quarantined"] == 3


def test_a_column_has_the_type_of_the_schema_where_a_word_is_put_aside(
    tmp_path: Path, checked: list[str]
) -> None:
    content = collect(tmp_path / "raw", delivered(tmp_path, FAULTY), tmp_path, *checked)
    assert content["deliveries"][0]["kinds"] == {"order": "integer", "ordered": "time", "n": "integer"}


@pytest.mark.parametrize(
    ("words", "told", "values"),
    [
        ([], ["column n holds text instead of integer: accepted"], ["5", "x"]),
        (["--changed-types", "default"], ["column n holds text instead of integer: defaulted"], [5, None]),
        (
            ["--changed-types", "default", "--defaults", "n=0"],
            ["column n holds text instead of integer: defaulted"],
            [5, 0],
        ),
    ],
)
def test_another_type_is_accepted_or_replaced(
    tmp_path: Path, words: list[str], told: list[str], values: list[object]
) -> None:
    last = delivered(tmp_path, ORDERS, ORDERS.assign(n=[5, "x"]))
    content = collect(tmp_path / "raw", last, tmp_path, *words)
    assert content["deliveries"][-1]["changes"] == told
    location = locate(str(tmp_path / "raw"))
    rows = raw_rows.read_known(location)["n"].astype(object)
    assert rows.where(rows.notna(), None).tolist() == values
    earlier = raw_rows.read_known(location, moment("2020-01-01", ""))["n"]
    assert (earlier.dtype, earlier.tolist()) == ("int64", [5, 6])


@pytest.mark.parametrize(
    ("words", "told", "columns"),
    [
        (
            [],
            ["new column city (text): accepted", "missing column n: accepted"],
            ["order", "ordered", "n", "city"],
        ),
        (
            ["--new-columns", "drop", "--missing-columns", "default", "--defaults", "n=3"],
            ["new column city (text): dropped", "missing column n: defaulted"],
            ["order", "ordered", "n"],
        ),
    ],
)
def test_new_and_missing_columns_are_told(
    tmp_path: Path, words: list[str], told: list[str], columns: list[str]
) -> None:
    other = ORDERS.drop(columns="n").assign(order=[3, 4], city="York")
    content = collect(tmp_path / "raw", delivered(tmp_path, ORDERS, other), tmp_path, *words)
    assert content["deliveries"][-1]["changes"] == told
    rows = raw_rows.read_known(locate(str(tmp_path / "raw")))
    assert list(rows.columns) == columns
    assert rows["n"].fillna(-1).tolist() == [5, 3 if words else -1, 6, 3 if words else -1]


REFUSED: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], list[str], str]] = {
    "new": (
        lambda table: table.assign(city="York"),
        ["--new-columns", "refuse"],
        "delivery 2020-01-02.csv: new column city (text): deliver it as before, or let "
        "--new-columns accept it",
    ),
    "missing": (
        lambda table: table.drop(columns="n"),
        ["--missing-columns", "refuse"],
        "delivery 2020-01-02.csv: missing column n: deliver it as before, or let --missing-columns accept it",
    ),
    "key": (
        lambda table: table.rename(columns={"order": "ordr"}),
        [],
        "delivery 2020-01-02.csv: there is no column 'order' (did you mean 'ordr'?); the columns are: ordr, "
        "ordered, n",
    ),
    "key without value": (
        lambda table: table.assign(order=[None, 2]),
        [],
        "delivery 2020-01-02.csv: column 'order' of the key or event time has no value in row 1: fill it "
        "in, or leave these rows out",
    ),
    "zones": (
        lambda table: table.assign(ordered=["2020-01-01T00:00Z", "2020-01-01T00:00"]),
        [],
        "delivery 2020-01-02.csv: column 'ordered' mixes times: 2020-01-01T00:00Z has a time zone and "
        "2020-01-01T00:00 has none; write all of them one way",
    ),
    "other zones": (
        lambda table: table.assign(ordered="2020-01-01T00:00+01:00"),
        [],
        "delivery 2020-01-02.csv: column 'ordered' has times with a zone, and earlier deliveries the other: "
        "write them one way",
    ),
    "no times": (
        lambda table: table.assign(ordered=["soon", "2020-01-01T00:00"]),
        [],
        "delivery 2020-01-02.csv: column 'ordered': 1 of 2 values are not times such as "
        "2013-01-31T05:00:00: soon; fix them, or name another column",
    ),
    "twice": (
        lambda table: table.assign(order=1),
        [],
        "2020-01-02.csv: rows of the same delivery differ in 1 keys, such as order 1: keep one of them, or "
        "deliver the correction with a later --delivery-time",
    ),
    "same time": (
        lambda table: table.assign(n=9),
        ["--delivery-time", "2020-01-01"],
        "2020-01-02.csv: what is known since the same time, 2020-01-02T00:00:00, differs in 2 keys, such as "
        "order 1: keep one of them, or deliver the correction with a later --delivery-time",
    ),
    "other columns": (
        lambda table: table.drop(columns="n").assign(a=1, b=2),
        ["--delivery-time", "2020-01-01"],
        "2020-01-02.csv: what is known since the same time, 2020-01-02T00:00:00, differs in 2 keys, such as "
        "order 1: keep one of them, or deliver the correction with a later --delivery-time. That was "
        "collected with other columns (new: a, b; gone: n): where its source is made in another way since "
        "then, collect it into a new raw table",
    ),
    "other key": (
        lambda table: table,
        ["--key", "n"],
        "the raw table at {raw} was made with --key order, not n: name another table",
    ),
    "own name": (
        lambda table: table.assign(known_since=1),
        [],
        "delivery 2020-01-02.csv: column 'known_since' is the raw table's own: rename it",
    ),
    "default": (
        lambda table: table.drop(columns="n"),
        ["--missing-columns", "default", "--defaults", "n=many"],
        "--defaults: 'many' is no integer for column n",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_said_and_not_in(tmp_path: Path, case: str) -> None:
    change, words, message = REFUSED[case]
    raw, last = tmp_path / "raw", delivered(tmp_path, ORDERS, change(ORDERS))
    before = digests(raw)
    assert error_of(collect, raw, last, tmp_path, *words) == message.format(raw=raw)
    assert digests(raw) == before


def test_tables_that_cannot_be_used_are_said(tmp_path: Path) -> None:
    from deltalake import write_deltalake

    def ingest(table: Path, *words: str) -> str:
        return error_of(run, "ingest", "--raw-table", table, "--table", tmp_path / "t", *words)

    raw = tmp_path / "raw"
    assert ingest(raw) == f"there is no raw table at {raw}: collect a delivery first"
    last = delivered(tmp_path, ORDERS, ORDERS)
    assert ingest(raw, "--as-of", "2019") == (
        "--as-of: nothing was known at 2020-01-01 00:00:00: the first delivery is known since "
        "2020-01-02T00:00:00; name a later time"
    )
    assert ingest(raw, "--as-of", "2020-13") == (
        "--as-of: '2020-13' is not a time such as 2013-07, 2013-07-31 or 2013-07-31T06:00"
    )
    assert error_of(collect, tmp_path, last, tmp_path) == (
        f"{tmp_path} holds files that are not a raw table: name another folder for --raw-table"
    )
    write_deltalake(tmp_path / "foreign", ORDERS)
    foreign = f"{tmp_path / 'foreign'} is a Delta table that collect did not make"
    assert ingest(tmp_path / "foreign") == f"{foreign}: name another folder or prefix for the raw table"
    unnamed = tmp_path / "orders.csv"
    last.rename(unnamed)
    assert error_of(collect, raw, unnamed, tmp_path) == (
        "delivery orders.csv: its name has no period such as 2013-07 or 2013-07-31: say by --delivery-time "
        "since when it is known"
    )
    (tmp_path / "bad-2020-02.parquet").write_bytes(b"PAR1 is not all")
    assert error_of(collect, raw, tmp_path / "bad-2020-02.parquet", tmp_path).startswith(
        f"cannot read {tmp_path / 'bad-2020-02.parquet'} as Parquet: "
    )
    properties = json.dumps({"format": "2", "key": ["order"], "event_time": "ordered"})
    raw_table.RawTable.existing(locate(str(raw))).delta.alter.set_table_properties(
        {raw_table.RECORD: properties}, raise_if_not_exists=False
    )
    assert ingest(raw) == (
        f"the raw table at {raw} has format 2, not 1: use the version of the workbench that wrote it"
    )
