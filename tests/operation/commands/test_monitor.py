"""Monitor: one look at a project, its decision in the ledger, and what acting on it comes to."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from operation import cli
from operation.engine.foundation.layout import Layout
from tests.operation.engine.conftest import build, write

SRC = Path(__file__).resolve().parents[3] / "src"
INGEST = '''
    """Count the rows that there are."""
    import argparse, json
    from pathlib import Path

    from support.step import input_path, output_path

    def build_parser():
        parser = argparse.ArgumentParser()
        parser.add_argument("--data", type=input_path, required=True)
        parser.add_argument("--table", type=output_path, required=True)
        return parser

    def main(argv=None):
        args = build_parser().parse_args(argv)
        args.table.mkdir()
        (args.table / "metrics.json").write_text(json.dumps({"rows": int(args.data.read_text())}))
        (args.table / "model.json").write_text(json.dumps({"digest": "a" * 64}))

    if __name__ == "__main__":
        main()
'''
REGISTER = '''
    """A gate that a file can close."""
    import argparse, sys
    from pathlib import Path

    from support import ledger
    from support.step import input_path, output_path

    def build_parser():
        parser = argparse.ArgumentParser()
        parser.add_argument("--table", type=input_path, required=True)
        for name in ("--name", "--tracking-uri", "--alias", "--ledger"):
            parser.add_argument(name)
        parser.add_argument("--registration", type=output_path, required=True)
        return parser

    def main(argv=None):
        args = build_parser().parse_args(argv)
        if args.alias == "champion" and Path("closed").exists():
            print("error: the gate rejected the model: too slow", file=sys.stderr)
            raise SystemExit(3)
        entry = {"event": "promoted", "model": args.name, "environment": "DEV", "model_digest": "a" * 64}
        time = ledger.read(Path(args.ledger))[-1]["time"]
        ledger.append(Path(args.ledger), {**entry, "reason": "it holds", "time": time})
        args.registration.mkdir()

    if __name__ == "__main__":
        main()
'''
DETECT_DRIFT = '''
    """Say drift of what the log holds."""
    import argparse, json
    from pathlib import Path

    from support.step import input_path, output_path

    def build_parser():
        parser = argparse.ArgumentParser()
        parser.add_argument("--model", type=input_path, required=True)
        parser.add_argument("--rows", type=input_path, required=True)
        parser.add_argument("--report", type=output_path, required=True)
        return parser

    def main(argv=None):
        import pandas as pd

        args = build_parser().parse_args(argv)
        loss = {"part": "label", "name": "loss", "slice": "", "verdict": "drift", "before": 0.1, "after": 0.2}
        args.report.mkdir()
        pd.DataFrame([loss]).to_parquet(args.report / "comparisons.parquet")
        verdict = {"verdict": "drift", "drifted": [(args.rows / "column.txt").read_text(), "label loss"]}
        (args.report / "verdict.json").write_text(json.dumps(verdict))

    if __name__ == "__main__":
        main()
'''
USE_CASE = """
description: Is a model due?
steps:
  ingest: {inputs: {data: rows.txt}}
  detect_drift: {inputs: {model: ingest.table, rows: ingest.table}}
  register:
    inputs: {table: ingest.table}
    arguments: {name: small, tracking-uri: sqlite:///runs/mlflow.db, ledger: runs/ledger.jsonl}
monitor: {new-share: 0.5, cooldown-days: 2, min-rows: 100}
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A project of two steps that counts its rows and registers nothing, with the real ledger."""
    layout = build(tmp_path / "project", monkeypatch)
    shutil.copytree(SRC / "support", layout.src / "support", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in (("ingest", INGEST), ("register", REGISTER), ("detect_drift", DETECT_DRIFT)):
        (layout.src / f"{name}.py").write_text(dedent(text), encoding="utf-8")
    (layout.configuration / "configuration-small.yml").write_text(USE_CASE, encoding="utf-8")
    (layout.root / "rows.txt").write_text("1000", encoding="utf-8")
    monkeypatch.chdir(layout.root)
    return layout


def monitor(*words: str, day: int = 1) -> int:
    return cli.main(["monitor", "--use-case", "small", "--at", f"2026-07-{day:02d}T12:00+00:00", *words])


def entries(layout: Layout) -> list[dict[str, Any]]:
    lines = (layout.runs / "ledger.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_a_decision_is_told_with_its_reasons_and_entered(
    small: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert monitor() == 0
    assert capsys.readouterr().out.splitlines() == [
        "small in DEV, 2026-07-01T12:00:00+00:00",
        "+ champion  no model serves yet",
        "· new data  1,000 rows are known, and no earlier training",
        "Train: no model serves yet.",
    ]
    (entry,) = entries(small)
    (file,) = (small.runs / "monitor/small-DEV").iterdir()
    assert (entry["event"], entry["model"], entry["reason"]) == (
        "trigger",
        "small",
        "Train: no model serves yet.",
    )
    assert json.loads(file.read_text(encoding="utf-8"))["train"]


def test_acting_trains_and_a_rejection_is_no_failure(
    small: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert monitor("--act") == 0
    assert "promoted: the gate accepted the model; it is the champion" in capsys.readouterr().out
    (small.root / "closed").touch()
    (small.root / "rows.txt").write_text("1500", encoding="utf-8")
    assert monitor("--act", day=2) == 0
    assert "- cooldown  1 days since the last training, cooldown is 2" in capsys.readouterr().out
    assert monitor("--act", day=3) == 3
    said = capsys.readouterr()
    assert "500 rows are new since the training on 2026-07-01, 50% of those known then" in said.out
    assert "rejected: the gate rejected the model: too slow" in said.out
    assert said.err.endswith("error: the gate rejected the model: too slow\n")
    assert monitor("--act", day=4) == 0
    assert "no row is new since the training on 2026-07-03" in capsys.readouterr().out
    assert [entry["event"] for entry in entries(small)] == ["trigger", "promoted", *["trigger"] * 3]
    (small.root / "rows.txt").write_text("4000", encoding="utf-8")
    assert monitor("--act", "--ci", "azure", day=8) == 0
    assert "##vso[task.setvariable variable=decision;isOutput=true]rejected" in capsys.readouterr().out


def test_what_the_champion_scored_is_looked_at(small: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    assert monitor("--act") == 0
    log = small.runs / "scored"
    log.mkdir()
    assert monitor(day=2) == 0
    assert (
        "No such file or directory" in capsys.readouterr().out
    )  # the log is empty: that is said, and no more
    (log / "column.txt").write_text("feature weight", encoding="utf-8")
    assert monitor(day=3) == 0
    out = capsys.readouterr().out
    assert "· drift     drift of feature weight, in 1 of the 2 checks in a row that count" in out
    assert monitor("--json", day=4) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["signals"]["champion"] == "a" * 64
    assert record["reason"] == (
        "Wait: no row is new since the training on 2026-07-01 (against: drift of feature weight, in 2 checks "
        "in a row; the loss grew from 0.1 to 0.2, in 2 checks in a row)."
    )


def test_a_command_gets_the_summary(small: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    copy = f"{sys.executable} -c \"import sys; open('told.txt', 'w').write(sys.stdin.read())\""
    assert monitor("--notify", copy) == 0
    assert (small.root / "told.txt").read_text(encoding="utf-8") == capsys.readouterr().out
    assert monitor("--notify", f"{sys.executable} -c \"raise SystemExit('nobody there')\"", day=2) == 1
    assert capsys.readouterr().err.endswith("failed: nobody there. The decision is recorded.\n")
    assert monitor("--notify", "no-such-command", day=3) == 1
    assert "error: --notify: 'no-such-command' cannot be started" in capsys.readouterr().err
    assert len(entries(small)) == 3


def test_a_decision_as_json(small: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    assert monitor("--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert record["signals"]["rows"] == 1000
    assert {reason["side"] for reason in record["reasons"]} == {"for", "neither"}


def test_what_cannot_be_decided_is_told(small: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    for time in ("yesterday", "2026-07-01"):
        assert cli.main(["monitor", "--use-case", "small", "--at", time]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "error: --at: 'yesterday' is no time such as 2026-01-31T12:00+00:00.",
        "error: --at: '2026-07-01' has no zone. Give one, as in 2026-01-31T12:00+00:00.",
    ]
    assert monitor("--backtest") == 2
    assert "was not played yet. Run: python3 -m operation play" in capsys.readouterr().err
    write(small, "configuration/configuration-small.yml", USE_CASE.partition("monitor:")[0])
    assert monitor() == 2
    assert "configuration-small.yml has no `monitor:`" in capsys.readouterr().err


def test_its_section_is_checked(small: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    begin = USE_CASE.partition("monitor:")[0]
    wrong = "monitor: {new-share: 0, quiet-hours: ['8-9'], cool-down: 3}\n"
    write(small, "configuration/configuration-small.yml", begin + wrong)
    assert monitor() == 2
    file = "configuration/configuration-small.yml:9"
    assert [line.removeprefix("error: ") for line in capsys.readouterr().err.splitlines()] == [
        f"{file}: 'new-share' of 'monitor': expected more than 0, found 0.",
        f"{file}: 'quiet-hours': expected hours such as 22:00-06:00 (UTC), found '8-9'.",
        f"{file}: unknown key 'cool-down' in 'monitor': expected new-share, drift, decay, max-age-days, "
        "every, debounce, cooldown-days, cpu-minutes, budget-days, quiet-hours, min-rows, play or "
        "play-cpu-minutes. Did you mean 'cooldown-days'?",
    ]
    wrong = "monitor: {play: {ingst: {}, register: {nam: x}}}"
    write(small, "configuration/configuration-small.yml", begin + wrong)
    assert monitor() == 2
    assert [line.removeprefix("error: ") for line in capsys.readouterr().err.splitlines()] == [
        f"{file}: 'play' of 'monitor': there is no step 'ingst'. Did you mean 'ingest'?",
        f"{file}: step 'register' has no argument 'nam': src/register.py does not declare it. "
        "Did you mean 'name'?",
    ]
