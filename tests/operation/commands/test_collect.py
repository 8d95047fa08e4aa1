"""Collect, then ingest as of a time: what enters the key is what was known then."""

from __future__ import annotations

import shutil
from pathlib import Path
from zipfile import ZipFile

import pandas as pd
import pytest

from operation import cli
from operation.engine.foundation.layout import Layout
from tests.operation.engine.conftest import build

SRC = Path(__file__).resolve().parents[3] / "src"
USE_CASE = """
description: How much is sold?
steps:
  ingest:
    arguments: {raw-table: runs/raw/shop, as-of: 2020-01-31}
deliveries:
  inputs: {data: arrived}
  arguments: {raw-table: runs/raw/shop, key: [order], event-time: ordered}
"""
ORDERS = pd.DataFrame({"order": [1, 2], "ordered": ["2020-01-01", "2020-01-02"], "n": [5, 6]})


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A project with the real Core Scripts, and a folder in which files arrive."""
    layout = build(tmp_path / "project", monkeypatch)
    shutil.rmtree(layout.src)
    shutil.copytree(SRC, layout.src, ignore=shutil.ignore_patterns("__pycache__"))
    (layout.configuration / "configuration-shop.yml").write_text(USE_CASE, encoding="utf-8")
    (layout.root / "arrived").mkdir()
    deliver(layout, "2020-01-30", ORDERS)
    return layout


def deliver(layout: Layout, day: str, orders: pd.DataFrame) -> None:
    orders.to_csv(layout.root / "arrived" / f"orders-{day}.csv", index=False)


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert cli.main([*words, "--use-case", "shop"]) == 0
    return capsys.readouterr().out


def test_ingest_follows_the_rows_that_were_known(shop: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "collect").splitlines() == [
        "orders-2020-01-30.csv: 2 rows: 2 new, 0 duplicate, 0 corrected",
        "1 of 1 deliveries were new",
        "page: runs/deliveries/shop/index.html",
    ]
    page = (shop.runs / "deliveries/shop/index.html").read_text(encoding="utf-8")
    assert "1 deliveries, 2 rows" in page
    assert "orders-2020-01-30.csv" in page
    assert "ingest executed" in said(capsys, "step", "ingest")
    deliver(shop, "2020-02-01", ORDERS.assign(n=7))
    assert "2 rows: 0 new, 0 duplicate, 2 corrected" in said(capsys, "collect")
    assert "ingest reused" in said(capsys, "step", "ingest")
    deliver(shop, "2020-01-15", ORDERS.assign(order=[3, 4]))
    said(capsys, "collect")
    assert "input raw-table has other content" in said(capsys, "why", "ingest")
    assert "ingest executed" in said(capsys, "step", "ingest")
    forgotten = said(capsys, "collect", "--forget", "order=3")
    assert "forgot 1 versions of rows by their column order" in forgotten
    assert "ingest executed" in said(capsys, "step", "ingest")


def test_deliveries_are_checked_as_steps_are(shop: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    file = shop.configuration / "configuration-shop.yml"
    file.write_text(USE_CASE.replace("event-time", "event-tme"), encoding="utf-8")
    assert cli.main(["collect", "--use-case", "shop"]) == 2
    assert capsys.readouterr().err == (
        "error: configuration/configuration-shop.yml:8: step 'collect' has no argument 'event-tme': "
        "src/collect.py does not declare it. Did you mean 'event-time'?\n"
    )
    file.write_text(USE_CASE.partition("deliveries:")[0], encoding="utf-8")
    assert cli.main(["collect", "--use-case", "shop"]) == 2
    assert capsys.readouterr().err == (
        "error: configuration/configuration-shop.yml has no `deliveries:`. Add it, with raw-table, key, "
        "event-time and data, sample or remote of src/collect.py.\n"
    )


def test_a_failure_leaves_a_capsule_that_replays_it(shop: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    (shop.root / "arrived" / "orders-2020-02-01.csv").write_text("order,n\n3,1\n", encoding="utf-8")
    assert cli.main(["collect", "--use-case", "shop", "--until", "2020-03"]) == 1
    said = capsys.readouterr().err
    problem = "delivery orders-2020-02-01.csv: there is no column 'ordered'"
    assert problem in said
    capsule = next(shop.runs.glob("*/capsule.zip"))
    assert f"replay: python3 -m operation replay {shop.relative(capsule)}" in said
    assert any(name.startswith("project/runs/raw/shop/_delta_log/") for name in ZipFile(capsule).namelist())
    report = (capsule.parent / "collect.html").read_text(encoding="utf-8")
    assert "core.collect(until=" in report
    assert cli.main(["replay", str(capsule), "--check", "--yes"]) == 0
    assert "reproduced" in capsys.readouterr().out.lower()


def test_what_is_to_be_forgotten_is_in_no_record(shop: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "collect")
    assert cli.main(["collect", "--use-case", "shop", "--forget", "ordr=4711"]) == 1
    assert "--forget: there is no column 'ordr' (did you mean 'order'?)" in capsys.readouterr().err
    assert not [*shop.runs.glob("*/manifest.json")]


SCHEMA = """
columns:
  n: {dtype: int64, coerce: true, in_range: {min_value: 0, max_value: 9}}
thresholds: {"*": {warn: 0, fail: 0.5}}
"""


def test_the_page_shows_what_the_schema_found_over_time(
    shop: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.schemas.mkdir(exist_ok=True)
    (shop.schemas / "shop.yml").write_text(SCHEMA, encoding="utf-8")
    file = shop.configuration / "configuration-shop.yml"
    words = "{data: arrived, schema: configuration/schemas/shop.yml}"
    text = USE_CASE.replace("{data: arrived}", words).replace("ordered}", "ordered, on-warning: quarantine}")
    file.write_text(text, encoding="utf-8")
    deliver(shop, "2020-02-01", ORDERS.assign(order=[3, 4], n=[1, 99]))
    said(capsys, "collect")
    page = (shop.runs / "deliveries/shop/index.html").read_text(encoding="utf-8")
    assert "Violations over time" in page
    assert "orders-2020-02-01.csv: 1 rows (50.00%), warning" in page
    assert "fails in_range(0, 9)" in page
    assert "runs/raw/shop-quarantine" in page


def test_a_source_given_in_the_call_takes_the_place_of_the_configured_one(
    shop: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "collect")
    file = shop.configuration / "configuration-shop.yml"
    file.write_text(USE_CASE.replace("{raw-table: runs/raw/shop, as-of: 2020-01-31}", "{sample: diabetes}"))
    assert "ingest executed" in said(capsys, "step", "ingest", "--raw-table", "runs/raw/shop")


def test_what_reads_a_raw_table_is_certified(shop: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    """Each way has a folder of its own for what running leaves: the raw table is not there."""
    said(capsys, "collect")
    assert "identical in 4 ways" in said(capsys, "certify", "ingest")
