"""One use case in one environment, as every command gets it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from operation.engine import configuration
from operation.engine.configuration import load
from operation.engine.foundation.errors import ConfigurationError, UsageError
from operation.engine.foundation.layout import Layout

REPOSITORY = Path(__file__).resolve().parents[4]


def edit(layout: Layout, name: str, old: str, new: str) -> None:
    path = configuration.configuration_file(layout, name)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_names(good_project: Layout) -> None:
    assert configuration.environments(good_project) == ["DEV", "TEST"]
    assert configuration.use_cases(good_project) == ["flights"]


def test_defaults(good_project: Layout) -> None:
    found = load(layout=good_project)
    assert (found.environment, found.use_case) == ("DEV", "flights")
    assert found.description == "Will a flight be late?"
    assert [(one.name, one.parameters) for one in found.notebooks] == [
        ("01-train-model", {"learning_rate": 0.2})
    ]


def test_the_operating_system_chooses_the_environment(
    good_project: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVIRONMENT", "TEST")
    assert load(layout=good_project).environment == "TEST"
    assert load("DEV", layout=good_project).environment == "DEV"
    monkeypatch.setenv("ENVIRONMENT", "PORD")
    with pytest.raises(UsageError) as caught:
        load(layout=good_project)
    assert str(caught.value) == (
        "unknown environment 'PORD' (the variable ENVIRONMENT): there is no "
        "configuration/configuration-PORD.yml. Known: DEV and TEST."
    )


def test_references_take_the_type_of_the_variable(good_project: Layout) -> None:
    assert load(layout=good_project).steps["ingest"].arguments == {
        "sample": "nycflights13",
        "period-from": "2013-01-01",
        "sample-rows": 20000,
    }


def test_empty_values_leave_arguments_to_their_defaults(good_project: Layout) -> None:
    assert "sample-rows" not in load("TEST", layout=good_project).steps["ingest"].arguments


def test_steps_stand_after_what_they_read(good_project: Layout) -> None:
    path = configuration.configuration_file(good_project, "flights")
    head, _, steps = path.read_text(encoding="utf-8").partition("steps:\n")
    ingest, train, score = steps.strip("\n").split("\n\n")
    path.write_text(f"{head}steps:\n{score}\n{train}\n{ingest}\n", encoding="utf-8")
    found = load(layout=good_project)
    assert list(found.steps) == ["ingest", "train", "batch_score"]
    assert found.steps["train"].inputs == {
        "table": "ingest.table",
        "schema": "configuration/schemas/flights.yml",
    }
    assert found.steps["train"].script == (good_project.src / "train.py").resolve()


def test_the_digest_is_of_the_content(good_project: Layout) -> None:
    first = load(layout=good_project).digest
    edit(good_project, "DEV", "# A good environment.", "# Another comment.")
    assert load(layout=good_project).digest == first
    edit(good_project, "DEV", "SAMPLEROWS: 20000", "SAMPLEROWS: 20001")
    assert load(layout=good_project).digest != first


def test_a_secret_is_in_no_message(good_project: Layout) -> None:
    edit(good_project, "DEV", "SAMPLEROWS: 20000", "DBPASSWORD: hunter2\n  SAMPLEROWS: 20000")
    edit(good_project, "flights", "late\n", "late\n      learning-rate: $(DBPASSWORD)\n")
    edit(good_project, "flights", "gradient-boosting", "hunter2")
    with pytest.raises(ConfigurationError) as caught:
        load(layout=good_project)
    assert len(caught.value.problems) == 2
    assert "hunter2" not in str(caught.value)


def test_a_secret_from_outside_is_refused_too(good_project: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERIODFROM", "Server=db;Password=hunter2")
    with pytest.raises(
        ConfigurationError, match=r"PERIODFROM \(from the operating system's environment"
    ) as caught:
        load(layout=good_project)
    assert "hunter2" not in str(caught.value)


def test_absolute_paths_are_the_step_s_to_check(good_project: Layout, tmp_path: Path) -> None:
    elsewhere = (tmp_path / "not-mounted-here" / "schema.yml").as_posix()
    edit(good_project, "flights", "configuration/schemas/flights.yml", elsewhere)
    assert load(layout=good_project).steps["train"].inputs["schema"] == elsewhere


def test_no_use_case_is_named(good_project: Layout) -> None:
    edit(good_project, "DEV", "  USECASE: flights\n", "")
    assert load(use_case="flights", layout=good_project).use_case == "flights"
    with pytest.raises(ConfigurationError) as caught:
        load(layout=good_project)
    assert str(caught.value) == (
        "configuration/configuration-DEV.yml:2: variable USECASE is missing and no --use-case is given. "
        "Known: flights."
    )


@pytest.mark.parametrize("use_case", ["flights", "diabetes"])
@pytest.mark.parametrize("environment", ["DEV", "TEST", "PROD"])
def test_what_ships_is_right(environment: str, use_case: str) -> None:
    assert load(environment, use_case, Layout(REPOSITORY)).steps


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import json, sys\n"
        "from operation.engine.configuration import load\n"
        "load('DEV', 'flights')\n"
        "print(json.dumps([name for name in sys.modules if '.' not in name]))"
    )
    environment = {key: value for key, value in os.environ.items() if key != "WORKBENCH_ROOT"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {
        "pandas",
        "numpy",
        "sklearn",
        "mlflow",
        "papermill",
        "nbconvert",
        "pandera",
        "azureml",
        "matplotlib",
    }
    assert not heavy & set(json.loads(done.stdout))
