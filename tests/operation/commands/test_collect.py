"""Collect, then ingest as of a time: what enters the key is what was known then."""

from __future__ import annotations

import shutil
from pathlib import Path

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
