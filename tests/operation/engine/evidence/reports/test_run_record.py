from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from operation.engine.evidence.reports.cards import cards
from operation.engine.evidence.reports.run_record import RunRecord, read_run, run_record
from operation.engine.evidence.reports.step_record import Metric
from tests.operation.engine.evidence.reports.samples import FAILURE, manifest

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.fixed_dictionaries(dict.fromkeys(manifest(), ANYTHING)))
def test_a_manifest_of_anything_gives_a_record(content: dict[str, object]) -> None:
    record = run_record(content, "name")
    assert isinstance(record.id, str)
    assert all(isinstance(value, str | int | float | None) for value in record.metrics.values())


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "there is no manifest.json: the run ended before writing it"),
        (
            '{"schema": 1, "st',
            "manifest.json cannot be read: Unterminated string starting at: line 1 column 15",
        ),
        ("[]", "manifest.json is not a mapping"),
    ],
)
def test_a_broken_manifest_says_why(tmp_path: Path, content: str | None, problem: str) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content, encoding="utf-8")
    record = read_run(tmp_path)
    assert record.problem.startswith(problem)
    assert (record.id, record.status) == (tmp_path.name, "unreadable")


def test_what_a_manifest_says_is_read(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(manifest(error=FAILURE)), encoding="utf-8")
    record = read_run(tmp_path)
    assert record.failure is not None
    assert (record.failure.location, record.failure.cell_label) == ("src/evaluate.py:41", "cell In [7]")
    assert record.notebooks[0].cell_seconds == {4: 0.5}
    assert record.parameters == {"01-explore-data.rows": 5}
    assert [metric.full_name for metric in record.measured][:2] == ["ingest.rows", "evaluate.roc_auc"]


def two_models() -> RunRecord:
    """Return a run whose first notebook compares two models, and whose second only looks at the first."""

    def step(name: str, number: int, *argv: str, **more: object) -> dict[str, object]:
        return {
            "step": name,
            "key": f"{number:064x}",
            "how": "executed",
            "notebook": "03",
            "argv": argv,
            **more,
        }

    def path(number: int, output: str) -> str:
        return f"/runs/store/{number:064x}/{output}"

    steps = [
        step("ingest", 1, "--sample-rows=5000", f"--table={path(1, 'table')}", metrics={"rows": 5000.0}),
        step("train", 2, "--estimator=trees", "--max-iter=9", f"--model={path(2, 'model')}"),
        step(
            "evaluate",
            3,
            f"--model={path(2, 'model')}",
            f"--report={path(3, 'report')}",
            metrics={"auc": 0.7},
        ),
        step("train", 4, "--estimator=linear", "--max-iter=9", f"--model={path(4, 'model')}"),
        step(
            "evaluate",
            5,
            f"--model={path(4, 'model')}",
            f"--report={path(5, 'report')}",
            metrics={"auc": 0.6},
        ),
    ]
    keys = [f"{number:064x}" for number in (1, 2, 3)]
    books = [{"name": "03", "steps": ["train", "evaluate"]}, {"name": "04", "step_keys": keys}]
    return run_record(json.loads(json.dumps({"id": "x", "steps": steps, "notebooks": books})))


def test_two_models_of_one_name_are_told_apart_by_what_differs() -> None:
    assert [(step.step, step.label) for step in two_models().steps] == [
        ("ingest", ""),
        ("train", "estimator=trees"),
        ("evaluate", "estimator=trees"),
        ("train", "estimator=linear"),
        ("evaluate", "estimator=linear"),
    ]


def test_a_notebook_has_the_steps_that_it_called_and_no_others_of_their_names() -> None:
    run = two_models()
    assert len(run.steps_of(run.notebooks[0])) == 5
    called = run.steps_of(run.notebooks[1])
    assert [(step.step, step.label, step.how) for step in called] == [
        ("ingest", "", "reused"),
        ("train", "estimator=trees", "reused"),
        ("evaluate", "estimator=trees", "reused"),
    ]
    assert [(card.name, card.value) for card in cards(called[-1].measured)] == [("auc", 0.7)]
    both = cards(metric for step in run.steps_of(run.notebooks[0]) for metric in step.measured)
    assert [(card.value, card.label) for card in both][:2] == [
        (0.7, "estimator=trees"),
        (0.6, "estimator=linear"),
    ]


def test_a_sample_is_called_one_where_it_is_smaller_than_the_data() -> None:
    assert two_models().sampled_rows == 5000
    whole = {"step": "ingest", "argv": ["--sample-rows=5000"], "metrics": {"rows": 4000}}
    assert run_record({"steps": [whole]}).sampled_rows is None


def test_a_metric_stands_with_its_baseline_and_its_interval_before_the_counts() -> None:
    metrics = [
        Metric("ingest", "rows", 20000.0),
        Metric("evaluate", "baseline_roc_auc", 0.5444),
        Metric("evaluate", "prevalence", 0.2183),
        Metric("evaluate", "roc_auc", 0.6851),
        Metric("evaluate", "roc_auc_high", 0.7044),
        Metric("evaluate", "roc_auc_low", 0.6658),
        Metric("register", "roc_auc", 0.6851),
    ]
    assert [(card.name, card.beside) for card in cards(metrics)] == [
        ("roc_auc", "0.6658 to 0.7044, baseline 0.5444"),
        ("prevalence", ""),
        ("rows", ""),
    ]


def test_a_baseline_or_a_bound_without_its_metric_stands_alone() -> None:
    metrics = [Metric("evaluate", "baseline_r2", 0.1), Metric("evaluate", "tide_low", 0.2)]
    assert [card.name for card in cards(metrics)] == ["baseline_r2", "tide_low"]
