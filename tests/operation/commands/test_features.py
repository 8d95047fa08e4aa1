"""The catalogue of feature tables: listed, shown with their lineage, made by the use case's step, keyed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from operation import cli
from operation.engine.foundation.layout import Layout
from tests.operation.engine.conftest import build

SRC = Path(__file__).resolve().parents[3] / "src"
USE_CASE = """
description: Who comes back?
steps:
  visits:
    script: materialise.py
    inputs: {table: ./visits.csv, definition: configuration/features/visits.yml}
  prepare:
    inputs: {table: ./patients.csv, feature-tables: visits.feature-tables}
    arguments: {task: regression, target: back, numeric: [pulse], time-column: day}
  train:
    inputs: {training: prepare.training, features: prepare.features}
    arguments: {estimator: linear}
"""
DEFINITION = """description: Visits of a patient
owner: ward
version: 1
entity: [patient]
event-time: day
columns: {pulse: beats a minute}
"""


@pytest.fixture
def ward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A project with the real Core Scripts, a feature table and a model that uses it."""
    layout = build(tmp_path / "project", monkeypatch)
    shutil.rmtree(layout.src)
    shutil.copytree(SRC, layout.src, ignore=shutil.ignore_patterns("__pycache__"))
    (layout.configuration / "configuration-ward.yml").write_text(USE_CASE, encoding="utf-8")
    layout.features.mkdir()
    (layout.features / "visits.yml").write_text(DEFINITION, encoding="utf-8")
    days = [f"2026-01-{number:02}" for number in range(1, 21)]
    visits = pd.DataFrame({"patient": 1, "day": days, "pulse": range(60, 80)})
    visits.to_csv(layout.root / "visits.csv", index=False)
    patients = pd.DataFrame({"patient": 1, "day": days, "back": range(20)})
    patients.to_csv(layout.root / "patients.csv", index=False)
    return layout


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert cli.main([*words, "--use-case", "ward"]) == 0
    return capsys.readouterr().out


def test_a_feature_table_is_made_once_and_its_models_are_known(
    ward: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, "features").splitlines() == [
        "visits version 1: Visits of a patient",
        "  by patient, 1 features, not materialised; read by prepare of ward",
        "page: runs/features/index.html",
    ]
    assert "visits executed: runs/store/" in said(capsys, "features", "materialise", "visits")
    assert "visits reused: runs/store/" in said(capsys, "features", "materialise", "visits")
    said(capsys, "step", "train")
    shown = said(capsys, "features", "show", "visits")
    assert "by patient, 1 features, 20 rows; read by prepare of ward" in shown
    model = json.loads(next(ward.store.glob("*/model/model.json")).read_text(encoding="utf-8"))
    assert f"    {model['digest'][:12]} (train, version 1)" in shown
    page = (ward.runs / "features" / "index.html").read_text(encoding="utf-8")
    assert "made by step <code>visits</code>, read by <code>prepare</code>" in page
    assert f"Model <code>{model['digest'][:10]}</code> of step <code>train</code>" in page
    tables = json.loads(said(capsys, "features", "--json"))
    assert tables[0]["models"][0]["table"] == tables[0]["materialised"]["digest"]
    file = ward.features / "visits.yml"
    file.write_text(DEFINITION.replace("version: 1", "version: 2"), encoding="utf-8")
    assert "input definition has other content" in said(capsys, "why", "visits")


def test_mistakes_are_usage_errors(ward: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    def message(*words: str) -> str:
        assert cli.main(["features", *words, "--use-case", "ward"]) == 2
        return capsys.readouterr().err

    hint = "Did you mean 'visits'?"
    assert message("show", "visit") == f"error: there is no configuration/features/visit.yml. {hint}\n"
    assert message("show") == "error: features show needs the name of a feature table.\n"
    assert message("list", "visits") == "error: features list names no feature table: leave it out.\n"
    file = ward.features / "visits.yml"
    (ward.features / "unused.yml").write_text(DEFINITION, encoding="utf-8")
    assert "has no step that makes feature table 'unused'." in message("materialise", "unused")
    file.write_text(DEFINITION.replace("owner", "ownr").replace("version: 1\n", ""), encoding="utf-8")
    problems = message().splitlines()
    assert problems[0].endswith("configuration/features/visits.yml:1: 'owner' is missing: add it")
    assert any("visits.yml:2: 'ownr' is not known (did you mean 'owner'?)" in problem for problem in problems)
    assert cli.main(["check", "--use-case", "ward"]) == 2
    assert "configuration/features/visits.yml:2: 'ownr' is not known" in capsys.readouterr().err
