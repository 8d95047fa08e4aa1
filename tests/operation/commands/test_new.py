"""New environments and use cases: what is written passes check, what is there is never overwritten."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from operation import cli
from operation.engine.configuration import load
from operation.engine.configuration.documents import read_document
from operation.engine.foundation.layout import Layout
from tests.operation.engine.conftest import notebook

SIZES = [(number, number * 7 % 40) for number in range(1, 61)]
CSV = "row_id,city,size,price\n" + "".join(
    f"{number},{'Rome' if number % 3 else 'Oslo'},{size},{size * 3.5 + number * 13 % 37}\n"
    for number, size in SIZES
)


@pytest.fixture
def prices(real_project: Layout) -> Path:
    path = real_project.root / "prices.csv"
    path.write_text(CSV, encoding="utf-8")
    return path


def new(*words: str) -> int:
    return cli.main(["new", *words])


def test_an_environment_is_another_one_with_its_own_name(
    good_project: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert new("environment", "UAT") == 0
    assert capsys.readouterr().out == (
        "wrote        configuration/configuration-UAT.yml, a copy of DEV except for:\n"
        "             ENVIRONMENT: UAT\n"
        "             NAMESPACE: flightsuat\n"
        "edit         the names in Azure, and the amount of data\n"
        "next         python3 -m operation run --environment UAT\n"
    )
    assert (good_project.configuration / "configuration-UAT.yml").read_text(encoding="utf-8") == (
        "# Written by `python3 -m operation new environment UAT` after DEV; edit what differs.\n"
        "# A good environment.\n"
        "variables:\n"
        "  ENVIRONMENT: UAT\n"
        "  USECASE: flights\n"
        "  NAMESPACE: flightsuat\n"
        "  RESOURCE_GROUP: rg-$(NAMESPACE)\n"
        "  LOCATION: westeurope\n"
        "  SERVICECONNECTION_RG: sc-$(RESOURCE_GROUP)\n"
        "  SERVICECONNECTION_WS: sc-aml$(NAMESPACE)\n"
        '  PERIODFROM: "2013-01-01"\n'
        "  SAMPLEROWS: 20000\n"
    )
    assert cli.main(["check"]) == 0
    assert load("UAT").variables["STORAGEACCOUNT"] == "saflightsuat"


def test_an_environment_after_another(good_project: Layout) -> None:
    assert new("environment", "PRE-PROD", "--from", "TEST") == 0
    found = load("PRE-PROD")
    assert found.variables["NAMESPACE"] == "flightspreprod"
    assert "SAMPLEROWS" not in found.steps["ingest"].arguments


def test_a_long_name_leaves_azure_s_names_valid(real_project: Layout) -> None:
    assert new("environment", "ACCEPTANCE-OF-CUSTOMERS") == 0
    assert len(str(load("ACCEPTANCE-OF-CUSTOMERS").variables["STORAGEACCOUNT"])) <= 24


def test_what_ships_can_be_copied_and_read_by_azure(real_project: Layout) -> None:
    assert new("environment", "A-COPY", "--from", "PROD") == 0
    content = yaml.safe_load(
        (real_project.configuration / "configuration-A-COPY.yml").read_text(encoding="utf-8")
    )
    assert set(content) == {"variables"}
    assert cli.main(["check", "--environment", "A-COPY"]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["environment", "DEV"],
            "configuration/configuration-DEV.yml exists and is not overwritten. "
            "Edit it, or choose another name.",
        ),
        (
            ["environment", "FLIGHTS"],
            "configuration/configuration-flights.yml exists and is not overwritten. "
            "Edit it, or choose another name.",
        ),
        (
            ["environment", "uat 2"],
            "'uat 2' is not a valid environment name: use upper-case letters, digits, '-' and '_', "
            "such as UAT, at most 40 characters. Did you mean 'UAT'?",
        ),
        (
            ["environment", "../UAT"],
            "'../UAT' is not a valid environment name: use upper-case letters, digits, '-' and '_', "
            "such as UAT, at most 40 characters. Did you mean 'UAT'?",
        ),
        (
            ["environment", "UAT", "--from", "DVE"],
            "unknown environment 'DVE': there is no configuration/configuration-DVE.yml. "
            "Did you mean 'DEV'? Known: DEV and TEST.",
        ),
        (
            ["use-case", "House Prices", "--data", "x.csv", "--target", "y"],
            "'House Prices' is not a valid use case name: use lower-case letters, digits, '-' and '_', "
            "such as house-prices, at most 40 characters. Did you mean 'house-prices'?",
        ),
    ],
)
def test_refused(
    words: list[str], message: str, good_project: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path.name for path in good_project.configuration.iterdir())
    assert new(*words) == 2
    assert capsys.readouterr().err == f"error: {message}\n"
    assert sorted(path.name for path in good_project.configuration.iterdir()) == before


def test_a_faulty_environment_is_not_copied(lay_over: Callable[[str], Layout]) -> None:
    layout = lay_over("default-names")
    assert new("environment", "UAT") == 2
    assert not (layout.configuration / "configuration-UAT.yml").exists()


def test_a_use_case_says_what_it_guessed(
    prices: Path, real_project: Layout, capfd: pytest.CaptureFixture[str]
) -> None:
    assert new("use-case", "prices", "--data", str(prices), "--target", "price") == 0
    assert capfd.readouterr().out == (
        "ingested 60 rows, 4 columns\n"
        "task         regression: 60 different numbers\n"
        "split        random: no column holds a time in every row\n"
        "holdout      34% of the 60 rows: a smaller share tells little\n"
        "numeric      size\n"
        "categorical  city\n"
        "left out     row_id: unique whole numbers: they identify rows\n"
        "wrote        configuration/schemas/prices.yml\n"
        "wrote        configuration/configuration-prices.yml\n"
        "edit         them, or delete them and rerun with --task classification, "
        "--time-column COLUMN or --group-column COLUMN\n"
        "next         python3 -m operation run --use-case prices\n"
    )
    assert cli.main(["check"]) == 0
    found = load(use_case="prices")
    assert found.steps["ingest"].inputs == {"data": "./prices.csv"}
    assert found.steps["prepare"].arguments["task"] == "regression"


def test_a_notebook_that_is_being_typed_is_left_out_of_a_use_case(
    prices: Path, real_project: Layout, capfd: pytest.CaptureFixture[str]
) -> None:
    document = notebook("sizes: list[int] = [1, 2\n", "print(1)")
    (real_project.notebooks / "20-unfinished.ipynb").write_text(json.dumps(document), encoding="utf-8")
    assert new("use-case", "prices", "--data", str(prices), "--target", "price") == 0
    told = "20-unfinished.ipynb, cell 2: the parameters cell may hold only literals, "
    told += "one `name: type = value  # what it is` a line (line 1: '[' was never closed)."
    assert f"left out     {told}\n" in capfd.readouterr().out


def test_names_that_are_not_utf_8_are_told_and_take_nothing_down(
    prices: Path, real_project: Layout, capfd: pytest.CaptureFixture[str]
) -> None:
    strange = prices.with_name(os.fsdecode(b"caf\xe9.csv"))
    prices.rename(strange)
    assert new("use-case", "prices", "--data", str(strange), "--target", "price") == 2
    assert "is not UTF-8: rename it." in capfd.readouterr().err
    strange.rename(prices)
    (real_project.notebooks / os.fsdecode(b"20-\xe9.ipynb")).write_text("{}", encoding="utf-8")
    (real_project.src / os.fsdecode(b"\xe9.py")).touch()
    assert new("use-case", "prices", "--data", str(prices), "--target", "price") == 0
    assert "left out     20-\\udce9.ipynb: its name is not UTF-8: rename it\n" in capfd.readouterr().out
    assert cli.main(["run", "--use-case", "prices", "-p", os.fsdecode(b"table=\xe9.csv")]) == 2
    assert "for which JSON has no word" in capfd.readouterr().err


def test_a_use_case_is_the_default_where_the_examples_were_deleted(
    prices: Path, real_project: Layout, capfd: pytest.CaptureFixture[str]
) -> None:
    for path in real_project.configuration.glob("configuration-[a-z]*.yml"):
        path.unlink()
    shutil.rmtree(real_project.src / "examples")
    assert new("use-case", "prices", "--data", str(prices), "--target", "price") == 0
    assert "wrote        configuration/configuration-PROD.yml\n" in capfd.readouterr().out
    assert load().use_case == "prices"
    assert load("PROD").variables["HOLDOUTFROM"]


def test_a_use_case_is_not_overwritten(
    prices: Path, real_project: Layout, capfd: pytest.CaptureFixture[str]
) -> None:
    schema = real_project.schemas / "prices.yml"
    schema.write_text("mine\n", encoding="utf-8")
    assert new("use-case", "prices", "--data", str(prices), "--target", "price") == 2
    assert capfd.readouterr().err == (
        "error: configuration/schemas/prices.yml exists and is not overwritten: choose another name.\n"
    )
    assert schema.read_text(encoding="utf-8") == "mine\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--target", "prcie"],
            "--target: there is no column 'prcie'. Did you mean 'price'? "
            "Known: row_id, city, size and price.",
        ),
        (
            ["--target", "price", "--time-column", "city"],
            "--time-column: column 'city' does not hold a time in every row. "
            "Expected values such as 2013-01-31 or 2013-01-31T05:00; --time-format names another form.",
        ),
        (
            ["--target", "city", "--task", "regression"],
            "--task regression: column 'city' holds 'Rome', not numbers.",
        ),
        (
            ["--target", "price", "--split", "time"],
            "--split time: no column holds a time in every row. Name one with --time-column.",
        ),
    ],
)
def test_what_the_data_do_not_hold(
    words: list[str], message: str, prices: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert new("use-case", "prices", "--data", str(prices), *words) == 2
    assert capfd.readouterr().err == f"error: {message}\n"
    assert read_document(prices.parent / "configuration" / "configuration-prices.yml", "")[0] is None


def test_data_that_are_not_there(prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = prices.with_name("price.csv")
    assert new("use-case", "prices", "--data", str(missing), "--target", "price") == 2
    assert capsys.readouterr().err == f"error: --data: there is no {missing}. Did you mean 'prices.csv'?\n"


def test_data_that_cannot_be_read(prices: Path, capfd: pytest.CaptureFixture[str]) -> None:
    broken = prices.with_name("broken.parquet")
    broken.write_bytes(b"not parquet")
    assert new("use-case", "prices", "--data", str(broken), "--target", "price") == 1
    assert "broken.parquet" in capfd.readouterr().err


@pytest.mark.parametrize("words", [[], ["environment"], ["use-case"]])
def test_help_has_an_example(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert new(*words, "--help") == 0
    assert "python3 -m operation new" in capsys.readouterr().out
