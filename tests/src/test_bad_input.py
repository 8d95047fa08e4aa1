"""Bad input gets one message that names it, from every script that reads data, and leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tabular import raw_table
from tabular.raw_location import locate
from tests.src.running import Trained, child, error_of, left_over, run

WORDS = ["--key", "order", "--event-time", "ordered"]
ORDERS = pd.DataFrame({"order": [1, 2], "ordered": ["2020-01-01T00:00", "2020-01-01T01:00"], "n": [5, 6]})
SCHEMA = 'columns: {order: {dtype: int64}, ordered: {dtype: "datetime64[ns]", coerce: true}}'
MIXED = ORDERS.assign(ordered=["2020-01-01T00:00Z", "2020-01-01T00:00"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A file of orders, a schema and a raw table."""
    ORDERS.to_csv(tmp_path / "2020-01.csv", index=False)
    (tmp_path / "schema.yml").write_text(SCHEMA, encoding="utf-8")
    collect(tmp_path, "2020-01.csv")
    return tmp_path


def collect(folder: Path, data: str, raw: object = None) -> None:
    words = ["--raw-table", raw or folder / "raw", "--data", folder / data, *WORDS]
    run("collect", *words, "--delivery-time", "2020-02", "--deliveries", folder / "deliveries")


def ingest(folder: Path, raw: object) -> None:
    run("ingest", "--raw-table", raw, "--table", folder / "out")


def ingest_file(folder: Path, data: str) -> None:
    run("ingest", "--data", folder / data, "--time-column", "ordered", "--table", folder / "out")


def validate(folder: Path, data: str) -> None:
    outputs = [f"--{name}={folder / name}" for name in ("validated", "quarantine", "report")]
    run("validate", "--table", folder / data, "--schema", folder / "schema.yml", *outputs)


READERS: dict[str, Callable[[Path, str], None]] = {
    "collect": collect,
    "ingest": ingest_file,
    "validate": validate,
}


def broken_log(folder: Path) -> None:
    next((folder / "raw/_delta_log").glob("*1.json")).write_text("{not JSON", encoding="utf-8")


def lost_file(folder: Path) -> None:
    next((folder / "raw").glob("*.parquet")).unlink()


def other_format(folder: Path) -> None:
    facts = json.dumps({"format": "2", "key": ["order"], "event_time": "ordered"})
    delta = raw_table.RawTable.existing(locate(str(folder / "raw"))).delta
    delta.alter.set_table_properties({raw_table.RECORD: facts}, raise_if_not_exists=False)


def newer_protocol(folder: Path) -> None:
    log = folder / "raw/_delta_log/00000000000000000000.json"
    text = log.read_text(encoding="utf-8")
    log.write_text(text.replace('"minReaderVersion":3', '"minReaderVersion":99'), encoding="utf-8")


def foreign(folder: Path) -> None:
    from deltalake import write_deltalake

    write_deltalake(folder / "foreign", ORDERS)


def of_another_program(folder: Path) -> None:
    from deltalake import write_deltalake

    table = raw_table.RawTable.existing(locate(str(folder / "raw")))
    write_deltalake(folder / "raw", table.arrow(), mode="append")


TABLES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "no table": (lambda _: None, "nowhere", "there is no raw table at {}: collect a delivery first"),
    "foreign table": (foreign, "foreign", "{} is a Delta table that collect did not make: name another"),
    "files": (lambda folder: (folder / "files").mkdir(), "files", "there is no raw table at {}"),
    "other format": (other_format, "raw", "the raw table at {} has format 2, not 1: use the version of the"),
    "newer protocol": (newer_protocol, "raw", "cannot use the raw table at {}: "),
    "broken log": (broken_log, "raw", "cannot use the raw table at {}: "),
    "lost file": (lost_file, "raw", "cannot use the raw table at {}: "),
    "rows of another program": (
        of_another_program,
        "raw",
        "the rows at {} are not those that collect recorded",
    ),
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_raw_table_that_cannot_be_read(kind: str, folder: Path) -> None:
    damage, name, message = TABLES[kind]
    damage(folder)
    before = left_over(folder)
    said = error_of(ingest, folder, folder / name)
    assert said.startswith(message.format(folder / name))
    assert "\n" not in said
    assert left_over(folder) == before


@pytest.mark.parametrize(
    "kind", ["foreign table", "other format", "newer protocol", "broken log", "lost file"]
)
def test_a_raw_table_that_cannot_be_collected_into(kind: str, folder: Path) -> None:
    damage, name, message = TABLES[kind]
    damage(folder)
    (folder / "2020-02.csv").write_text("order,ordered,n\n1,2020-01-01T00:00,9\n", encoding="utf-8")
    said = error_of(collect, folder, "2020-02.csv", folder / name)
    assert said.startswith(message.format(folder / name))
    assert "\n" not in said


CREDENTIALS = {
    "": "--remote {}: no credential for the account: name a key vault secret by --credential-secret, or set ",
    "AccountName=other;AccountKey=c2VjcmV0": "--remote {}: the credential opens storage account other, not ",
    "AccountName=shop;AccountKey=not base 64!": "cannot use the raw table at {}: ",
}


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_credentials_that_open_nothing(
    credential: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", credential)
    address = "blob:shop/container/raw"
    for said in (
        error_of(ingest, folder, address),
        error_of(collect, folder, "2020-01.csv", address),
    ):
        assert said.startswith(CREDENTIALS[credential].format(address))
        assert "not base 64" not in said
        assert "\n" not in said


FILES: dict[str, tuple[str, bytes]] = {
    "empty": ("2020-02.csv", b""),
    "not UTF-8": ("2020-02.csv", "order,ordered,n\n1,2020-01-01,Zürich\n".encode("latin-1")),
    "a line with more values": ("2020-02.csv", b"order,ordered,n\n1,2020-01-01,2\n1,2020-01-01,2,3,4\n"),
    "no Parquet": ("2020-02.parquet", b"PAR1 is not all"),
    "a cut Parquet": ("2020-02.parquet", b""),
    "another kind": ("2020-02.xlsx", b"PK"),
    "no rows": ("2020-02.csv", b"order,ordered,n\n"),
}


@pytest.mark.parametrize("script", READERS)
@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_cannot_be_read(kind: str, script: str, folder: Path) -> None:
    name, content = FILES[kind]
    if kind == "a cut Parquet":
        ORDERS.to_parquet(folder / name)
        content = (folder / name).read_bytes()[:-40]
    (folder / name).write_bytes(content)
    before = left_over(folder)
    said = error_of(READERS[script], folder, name)
    assert str(folder / name) in said
    assert "\n" not in said
    assert left_over(folder) == before


@pytest.mark.parametrize("script", READERS)
def test_files_that_are_not_there_or_belong_to_a_raw_table(script: str, folder: Path) -> None:
    nowhere, raw = folder / "nowhere", folder / "raw"
    said = error_of(READERS[script], folder, "nowhere")
    assert said == f"{nowhere} does not exist: name a CSV or Parquet file, or a folder of them"
    assert error_of(READERS[script], folder, "raw") == (
        f"{raw} is a Delta table, not a folder of files: let ingest read it by --raw-table, and name what "
        "ingest wrote"
    )


@pytest.mark.parametrize("script", READERS)
def test_a_column_that_is_missing_is_named_with_its_nearest(script: str, folder: Path) -> None:
    ORDERS.rename(columns={"ordered": "orderd"}).to_csv(folder / "2020-02.csv", index=False)
    said = error_of(READERS[script], folder, "2020-02.csv")
    assert "'ordered'" in said
    assert "(did you mean 'orderd'?)" in said


@pytest.mark.parametrize("script", READERS)
def test_times_with_and_without_a_zone_are_not_mixed(script: str, folder: Path) -> None:
    MIXED.to_csv(folder / "2020-02.csv", index=False)
    said = error_of(READERS[script], folder, "2020-02.csv")
    assert "'ordered'" in said
    assert "a time zone" in said


def detect(trained: Trained, rows: Path, folder: Path, *words: object) -> str:
    model = ["--model", trained.model, "--rows", rows, "--report", folder / "report"]
    return error_of(run, "detect_drift", *model, *words)


def test_drift_of_what_cannot_be_read(binary: Trained, folder: Path) -> None:
    assert "nowhere does not exist" in detect(binary, folder / "nowhere", folder)
    assert "raw is a Delta table" in detect(binary, folder / "raw", folder)
    for name, content in FILES.values():
        (folder / name).write_bytes(content)
        assert str(folder / name) in detect(binary, folder / name, folder)
    table = pd.read_parquet(binary.holdout / "table.parquet").head(2)
    table.drop(columns="radius").to_csv(folder / "rows.csv", index=False)
    assert "'radius'" in detect(binary, folder / "rows.csv", folder)
    table.assign(at=MIXED["ordered"]).to_csv(folder / "rows.csv", index=False)
    assert "has a time zone" in detect(binary, folder / "rows.csv", folder, "--time-column=at", "--period=M")
    assert "nowhere" in error_of(
        run, "detect_drift", "--model", folder / "nowhere", "--rows", binary.holdout, "--report", folder / "r"
    )
    assert "report" not in left_over(folder)


def test_a_process_says_it_in_one_line(folder: Path) -> None:
    done = child("ingest", "--raw-table", folder / "nowhere", "--table", folder / "out")
    assert done.returncode == 1
    assert done.stderr == f"error: there is no raw table at {folder / 'nowhere'}: collect a delivery first\n"
