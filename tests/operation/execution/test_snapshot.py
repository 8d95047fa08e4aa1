"""What is sent along with a step, and how its command line is written there."""

from __future__ import annotations

from pathlib import Path

import pytest

from operation.engine import configuration
from operation.engine.configuration import Configuration
from operation.engine.foundation.errors import StepFailed
from operation.engine.foundation.layout import Layout
from operation.engine.steps.runners import child_process
from operation.engine.steps.session import Session
from operation.execution.job_files import snapshot
from operation.execution.outputs import check_complete
from operation.execution.pipeline import needed, output_name, references
from operation.execution.remote_session import arguments
from tests.operation.execution import small


@pytest.fixture
def project(tmp_path: Path) -> Layout:
    return small.build(tmp_path / "small")


@pytest.fixture
def configured(project: Layout, monkeypatch: pytest.MonkeyPatch) -> Configuration:
    monkeypatch.delenv("ENVIRONMENT", raising=False)
    return configuration.load("DEV", "small", project)


def test_a_snapshot_holds_the_script_and_what_it_imports(project: Layout) -> None:
    folder = snapshot(project, project.src / "count.py")
    files = sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*.py"))
    support = [f"support/{name}.py" for name in ("__init__", "azure", "errors", "step")]
    assert files == ["count.py", *support, "words.py"]


def test_the_same_content_is_the_same_snapshot(project: Layout) -> None:
    first = snapshot(project, project.src / "count.py")
    (project.src / "gate.py").write_text("changed = True", encoding="utf-8")
    assert snapshot(project, project.src / "count.py") == first


def test_other_content_is_another_snapshot(project: Layout) -> None:
    first = snapshot(project, project.src / "count.py")
    (project.src / "words.py").write_text("def letters(text, skip):\n    return 1\n", encoding="utf-8")
    second = snapshot(project, project.src / "count.py")
    assert second != first
    assert (second / "words.py").read_text(encoding="utf-8") != (first / "words.py").read_text(
        encoding="utf-8"
    )


def test_paths_are_words_of_their_own_and_values_as_the_contract_writes_them(
    project: Layout, configured: Configuration
) -> None:
    planned = Session(configured, project, child_process).plan("count", {})
    assert arguments(planned, {"text": "$AZUREML_DATAREFERENCE_text"}) == [
        *("--text", "$AZUREML_DATAREFERENCE_text"),
        "--factor=1",
        *("--skip", "x", "y"),
        *("--model", "outputs/model"),
    ]


def test_a_step_of_a_pipeline_brings_what_it_needs(configured: Configuration) -> None:
    assert needed(configured, ["gate"]) == ["count", "gate"]
    assert needed(configured, ["count"]) == ["count"]
    assert needed(configured, []) == ["count", "gate"]


def test_paths_are_no_references(configured: Configuration) -> None:
    assert references(configured, "count") == {}
    assert references(configured, "gate") == {"model": ("count", "model")}


def test_outputs_have_names_that_a_pipeline_accepts() -> None:
    assert output_name("batch_score", "all-rows") == "batch_score_all_rows"


def test_an_output_that_did_not_arrive_is_told(tmp_path: Path) -> None:
    message = "output model: model.pickle was not downloaded completely. Rerun this command."
    with pytest.raises(StepFailed, match=message):
        check_complete("model", tmp_path, ["model.pickle"])
