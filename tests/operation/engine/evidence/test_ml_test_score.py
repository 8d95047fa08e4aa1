"""The ML Test Score: a point needs a test that passed or a record; the smallest sum is the score."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operation.engine.evidence import ml_test_score
from operation.engine.evidence.ml_test_score import Evidence
from operation.engine.foundation.errors import ConfigurationError
from operation.engine.foundation.layout import Layout, project

TEST = "tests/test_some.py::test_that"
JUNIT = """<testsuites><testsuite>
<testcase classname="tests.test_some" name="test_that[1]"/>
<testcase classname="tests.test_some" name="test_that[2]">{}</testcase>
<testcase classname="tests.test_some" name="test_other"><skipped message="no"/></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A project with a test, a record and a README."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_some.py").write_text("def test_that():\n    pass\n", encoding="utf-8")
    (tmp_path / "configuration").mkdir()
    (tmp_path / "README.md").touch()
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/record.json").write_text(json.dumps({"mean": {"old": 0.7, "new": 0}}), encoding="utf-8")
    return Layout(tmp_path)


def points(layout: Layout, results: dict[str, bool], **content: object) -> tuple[float, str]:
    point = ml_test_score.judge(layout, {"data-1": Evidence.model_validate(content)}, results)[0]
    return point.points, point.missing


def test_all_cases_of_a_test_must_pass(tmp_path: Path) -> None:
    junit = tmp_path / "tests.xml"
    assert ml_test_score.passed(junit) == {}
    junit.write_text(JUNIT.format(""), encoding="utf-8")
    assert ml_test_score.passed(junit) == {TEST: True, "tests/test_some.py::test_other": False}
    junit.write_text(JUNIT.format('<failure message="1 != 2"/>'), encoding="utf-8")
    assert ml_test_score.passed(junit)[TEST] is False


def test_points_are_given_for_what_is_shown(layout: Layout) -> None:
    assert points(layout, {TEST: True}, tests=[TEST]) == (1.0, "")
    assert points(layout, {TEST: False}, tests=[TEST]) == (0.0, f"{TEST} failed or was skipped")
    assert points(layout, {}, tests=[TEST]) == (0.0, f"{TEST} was not run")
    assert points(layout, {}, tests=[TEST], manual="README.md: by hand") == (0.5, f"{TEST} was not run")
    assert points(layout, {}, manual="README.md: by hand", missing="a record")[0] == 0.5
    assert points(layout, {}, missing="a record") == (0.0, "a record")
    assert points(layout, {}) == (0.0, "evidence: a test that passes, or a record of a check")


def test_a_record_must_hold_something(layout: Layout) -> None:
    assert points(layout, {}, records=["runs/record.json#mean.old"]) == (1.0, "")
    for field in ("mean.new", "mean.none", "mean.old.older"):
        record = f"runs/record.json#{field}"
        assert points(layout, {}, records=[record]) == (0.0, f"{record} is not there or holds nothing")
    assert points(layout, {TEST: True}, tests=[TEST], records=["runs/none.json"])[0] == 0.0


def test_the_score_is_the_smallest_sum(layout: Layout) -> None:
    known = {name: Evidence(tests=[TEST]) for name in ml_test_score.TESTS if name != "model-3"}
    judged = ml_test_score.judge(layout, known, {TEST: True})
    assert len(judged) == 28
    assert ml_test_score.sums(judged) == {"data": 7, "model": 6, "infrastructure": 7, "monitoring": 7}
    assert json.loads(ml_test_score.as_json(judged))["score"] == 6


def test_links_that_lead_nowhere_are_mistakes(layout: Layout) -> None:
    (layout.configuration / ml_test_score.FILE).write_text(
        "data-1:\n  tests:\n    - tests/test_some.py::test_those\ndata-2: {manual: 'by hand'}\n"
        "dat-3: {}\ndata-4: {test: []}\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigurationError) as error:
        ml_test_score.read_evidence(layout)
    file = "configuration/ml-test-score.yml"
    assert str(error.value).splitlines() == [
        f"{file}:3: there is no test 'tests/test_some.py::test_those': expected tests/<file>.py::<test>.",
        f"{file}:4: 'manual' begins with 'by hand', which is no file: expected <file>: <what was done>.",
        f"{file}:5: 'dat-3' is none of the 28 tests. Did you mean 'data-3'?",
        f"{file}:6: unknown key 'test' in 'data-4': expected tests, records, manual or missing. "
        "Did you mean 'tests'?",
    ]


def test_the_evidence_of_this_project_is_there_and_says_what_is_missing() -> None:
    known = ml_test_score.read_evidence(project())
    judged = ml_test_score.judge(
        project(), known, {test: True for found in known.values() for test in found.tests}
    )
    assert all(point.missing for point in judged if point.points < 1)
    assert all(point.links for point in judged if point.points)
