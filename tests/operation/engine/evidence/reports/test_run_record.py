from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from operation.engine.evidence.reports.run_record import read_run, run_record
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
    assert (record.failure.place, record.failure.where) == ("src/evaluate.py:41", "cell In [7]")
    assert record.notebooks[0].cell_seconds == {4: 0.5}
    assert record.parameters == {"01-explore-data.rows": 5}
    assert [metric.full_name for metric in record.measured][:2] == ["ingest.rows", "evaluate.roc_auc"]
