"""The command ``ledger``: what served, whether it stands, and its page."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from operation import cli
from operation.engine.foundation.layout import Layout
from support import ledger

CHECKOUT = Path(__file__).resolve().parents[3]
WITHOUT_MLFLOW = """
import sys
from operation import cli
code = cli.main(["ledger", "--at", "2026-01-31", "--json"])
heavy = {name.partition(".")[0] for name in sys.modules} & {"mlflow", "pandas", "numpy"}
print(sorted(heavy), file=sys.stderr)
sys.exit(code)
"""
# of a registry in a SQLite file, as MLflow makes them, with the columns that are read
TABLES = """
CREATE TABLE registered_model_aliases (name, alias, version);
CREATE TABLE model_versions (name, version, source);
CREATE TABLE model_version_tags (name, version, key, value);
CREATE TABLE registered_model_tags (name, key, value);
"""
AT = "2026-01-{}T12:00:00+00:00"


def entry(event: str, environment: str, digest: str, **more: Any) -> ledger.Entry:
    about = {"event": event, "environment": environment, "model_digest": digest * 64, "model": "flights"}
    return {**about, "actor": "ada", "ci_run": None, "version": "1", "reason": "it is better", **more}


def registry(file: Path, digest: str, head: str) -> None:
    """Write a registry with a champion, and what it remembers of the ledger."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executescript(TABLES)
        connection.execute("INSERT INTO registered_model_aliases VALUES ('flights', 'champion', 1)")
        connection.execute("INSERT INTO model_versions VALUES ('flights', 1, 'file:///m')")
        connection.execute(
            "INSERT INTO model_version_tags VALUES ('flights', 1, 'digest', ?)", (digest * 64,)
        )
        connection.execute("INSERT INTO registered_model_tags VALUES ('flights', 'ledger', ?)", (head,))


@pytest.fixture
def file(real_project: Layout) -> Path:
    """Return the ledger of a project with one model promoted to PROD, and another overridden in DEV."""
    file = real_project.runs / "ledger.jsonl"
    run = {"ci_run": "https://example.com/run/7"}
    ledger.append(file, entry("accepted", "TEST", "a", time=AT.format("10")))
    prod = ledger.append(file, entry("promoted", "PROD", "a", time=AT.format("10"), **run))
    over = {"reason": "the customer wants it", "overridden": "roc_auc>=0.6 does not hold"}
    dev = ledger.append(file, entry("overridden", "DEV", "b", time=AT.format("12"), **over))
    registry(real_project.runs / "mlflow.db", "b", ledger.head(dev))
    registry(real_project.runs / "registry-PROD.db", "a", ledger.head(prod))
    return file


PROD = [
    "PROD   flights version 1 (aaaaaaaaaaaa) since 2026-01-10 12:00 UTC",
    "       promoted by ada in https://example.com/run/7, entry 2: it is better",
]
DEV = [
    "DEV    flights version 1 (bbbbbbbbbbbb) since 2026-01-12 12:00 UTC",
    "       overridden by ada, entry 3: the customer wants it",
]
ASKED: dict[str, tuple[list[str], list[str]]] = {
    "now": ([], [*DEV, *PROD, "page: runs/ledger/index.html"]),
    "of one environment": (["--environment", "PROD"], [*PROD, "page: runs/ledger/index.html"]),
    "at the end of a day": (["--at", "2026-01-10"], PROD),
    "at a time": (["--at", "2026-01-12T13:00+01:00"], [*DEV, *PROD]),
    "before": (["--at", "2026-01-09"], ["runs/ledger.jsonl: nothing served."]),
}


@pytest.mark.parametrize("question", ASKED)
def test_what_served_and_why(file: Path, question: str, capsys: pytest.CaptureFixture[str]) -> None:
    words, lines = ASKED[question]
    assert cli.main(["ledger", *words]) == 0
    said = capsys.readouterr()
    assert (said.out.splitlines(), said.err) == (lines, "")


def test_no_library_is_imported_for_it(file: Path) -> None:
    variables = {**os.environ, "WORKBENCH_ROOT": str(file.parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_MLFLOW],
        cwd=CHECKOUT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "[]\n")
    dev, prod = json.loads(done.stdout)
    assert (dev["number"], prod["number"]) == (3, 2)


def test_a_time_that_is_none_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ledger", "--at", "yesterday"]) == 1
    said = capsys.readouterr().err
    assert said == "error: 'yesterday' is no time with its zone, such as 2026-01-31T12:00:00+00:00\n"


def test_a_ledger_that_stands(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ledger", "--verify"]) == 0
    assert capsys.readouterr().out == (
        "runs/ledger.jsonl: 3 entries, as they were written; in 2 registries\n"
    )


def test_a_ledger_that_does_not_stand(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = file.read_bytes()
    file.write_bytes(content.replace(b"wants", b"knows"))
    assert cli.main(["ledger", "--verify"]) == 1
    assert capsys.readouterr().err == ("error: runs/ledger.jsonl: line 3: was changed after it was written\n")
    file.write_bytes(b"".join(content.splitlines(keepends=True)[:2]))
    assert cli.main(["ledger", "--verify"]) == 1
    assert "runs/ledger.jsonl: the tail of the ledger was cut off: a registry remembers entry 3 " in (
        capsys.readouterr().err
    )


def test_a_champion_that_was_changed_by_hand_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(file.parent / "registry-PROD.db")) as connection, connection:
        connection.execute("UPDATE model_version_tags SET value = ?", ("c" * 64,))
    problem = (
        "flights in PROD: the registry's champion is cccccccccccc, the ledger says aaaaaaaaaaaa: "
        "it was changed by hand, or a change was interrupted"
    )
    assert cli.main(["ledger"]) == 0
    assert capsys.readouterr().err == f"warning: {problem}\n"
    assert cli.main(["ledger", "--verify"]) == 1
    assert capsys.readouterr().err == f"error: runs/ledger.jsonl: {problem}\n"


def test_the_page_has_every_decision_and_overrides_in_red(file: Path) -> None:
    assert cli.main(["ledger"]) == 0
    page = (file.parent / "ledger" / "index.html").read_text(encoding="utf-8")
    assert "<h1>3 decisions about models</h1>" in page
    banner = page.partition('<div class="banner failed">')[2].partition("</div>")[0]
    assert "the customer wants it" in banner
    assert "Overridden: roc_auc&gt;=0.6 does not hold" in banner
    assert '<a href="https://example.com/run/7">run of CI</a>' in page


def test_nothing_was_decided_yet(real_project: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ledger"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "runs/ledger.jsonl: nothing served."
    assert cli.main(["ledger", "--verify"]) == 0
    assert capsys.readouterr().out.endswith("0 entries, as they were written; in 0 registries\n")


USAGE = {
    "list": ["list"],
    "emulator": ["promote", "--to", "TEST", "--emulator"],
    "version": ["rollback", "--version", "3"],
}


@pytest.mark.parametrize("words", USAGE.values(), ids=USAGE)
def test_what_registries_do_not_know(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", *words, "--registry"]) == 2
    assert capsys.readouterr().err == (
        "error: --registry is for judge, promote and rollback, without --emulator and --version.\n"
    )
