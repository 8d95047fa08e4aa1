"""The command line of submit and models: what they pass on, and what they refuse before anything starts."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from operation import cli
from operation.commands import submit
from operation.engine import configuration
from operation.engine.foundation.errors import StepFailed
from operation.engine.foundation.layout import Layout
from operation.engine.steps.session import Session
from operation.execution.submission_record import Submission
from tests.operation.execution import small


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    layout = small.build(tmp_path / "small")
    monkeypatch.setenv("WORKBENCH_ROOT", str(layout.root))
    monkeypatch.delenv("ENVIRONMENT", raising=False)
    return layout


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    submit.add_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    ("words", "route", "steps", "compute"),
    [
        (["pipeline"], "pipeline", ["count", "gate"], "cpu-cluster"),
        (["gate"], "script", ["gate"], "cpu-cluster"),
        (["gate", "--as", "pipeline"], "pipeline", ["gate"], "cpu-cluster"),
        (["pipeline", "--as", "estimator", "--compute", "local"], "estimator", ["count", "gate"], "local"),
    ],
)
def test_what_is_ordered(
    project: Layout, words: list[str], route: str, steps: list[str], compute: str
) -> None:
    options = submit._options(project, configuration.load(None, None, project), parsed(*words))
    assert (options.route, list(options.steps), options.compute.name) == (route, steps, compute)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["submit", "gat"],
            "the use case 'small' has no step 'gat'. Did you mean 'gate'? It has: count, gate. "
            "Or 'pipeline' for all steps.",
        ),
        (
            ["submit", "gate", "--compute", "cluster"],
            "unknown compute 'cluster': there is no configuration/compute/cluster.yml. "
            "Did you mean 'cpu-cluster'? Known: cpu-cluster and local.",
        ),
        (
            ["submit", "gate", "--as", "spark"],
            "unknown compute 'spark-cluster' (SPARKCOMPUTE of environment DEV): there is no "
            "configuration/compute/spark-cluster.yml. Did you mean 'cpu-cluster'? "
            "Known: cpu-cluster and local.",
        ),
        (
            ["submit", "gate", "--publish"],
            "--publish and --schedule are for a pipeline, not for --as script.",
        ),
        (["models", "promote"], "models promote needs NAME and --to."),
        (["models", "download", "letters"], "models download needs --folder."),
    ],
)
def test_wrong_usage_is_one_message(
    project: Layout, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert cli.main(words) == 2
    assert capsys.readouterr().err == f"error: {message}\n"
    assert not project.runs.exists()


def test_a_submission_repeats_its_command_line() -> None:
    words = ["train", "--as", "script", "--environment", "PROD", "--emulator", "--fresh"]
    assert submit._argv(parsed(*words)) == words


def test_a_secret_that_cannot_be_masked_prevents_the_capsule_unless_it_may_be_in_it(
    project: Layout, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StepFailed("the run was cancelled")

    def send(_: object, submission: Submission, say: object) -> None:
        Session(submission.configured, submission.layout, fail).step("count")

    monkeypatch.setattr(submit, "send", send)
    monkeypatch.setenv("DB_PASSWORD", "letters")
    assert cli.main(["submit", "count"]) == 1
    assert "DB_PASSWORD is too short or too common a word" in capsys.readouterr().err
    assert list(project.runs.glob("2*/capsule.zip")) == []
    assert cli.main(["submit", "count", "--include-secrets"]) == 1
    assert len(list(project.runs.glob("2*/capsule.zip"))) == 1
