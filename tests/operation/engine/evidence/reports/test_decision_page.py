"""The page of a decision, its place in a run's page, and its summary."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operation.engine.evidence.reports import decision_page
from operation.engine.evidence.reports.decision_page import (
    conclude_run,
    intervals,
    markdown,
    write_decision_page,
)
from operation.engine.evidence.reports.run_page import write_run_page
from operation.engine.foundation.layout import Layout
from tests.operation.engine.evidence.decisions import decision, first, of_groups
from tests.operation.engine.evidence.reports.conftest import MakeRun
from tests.operation.engine.evidence.reports.pages import read

SECTIONS = [
    *("Rows", "Conditions", "Difference and slices", "Calibration", "Latency and size", "Cost of errors"),
]


@pytest.mark.parametrize("content", [decision(), first(), decision(decision="rejected", looks=None)])
def test_every_decision_has_the_same_sections(content: dict[str, object], tmp_path: Path) -> None:
    page = read(write_decision_page(tmp_path / "page.html", content))
    assert [element.text for element in page.all("h2")] == SECTIONS
    assert page.all("h1")[0].text == f"The challenger is {content['decision']}"
    assert page.loading() == []
    assert page.problems == []


def test_intervals_stand_on_one_axis() -> None:
    first_interval, second = intervals(decision()["slices"])
    assert first_interval.zero == second.zero
    assert first_interval.margin == second.margin > first_interval.zero
    assert 0 < first_interval.low < first_interval.value < first_interval.high < second.high < 100
    nothing = {"low": 0.0, "value": 0.0, "high": 0.0, "margin": 0.0}
    assert len(set(intervals([nothing])[0])) == 1


def test_the_summary_holds_what_argues() -> None:
    lines = markdown(decision(), "runs/x/decision.html").splitlines()
    assert lines[0] == "## flights: accepted"
    assert "| brier loss, challenger - champion | -0.004 (-0.006 to -0.002) |" in lines
    assert "| 2 slices | worse: airline &lt;b> |" in lines
    assert "| look at this holdout | 3 of 30 |" in lines
    assert lines[-1] == "The whole decision: `runs/x/decision.html`, in the artifact of this run."
    assert "| champion | `none` |" in markdown(first(), "x")


def test_groups_that_got_worse_are_listed(tmp_path: Path) -> None:
    page = read(write_decision_page(tmp_path / "page.html", of_groups()))
    assert [element.text for element in page.all("h3")] == ["Groups that got worse"]
    text = page.all("main")[0].text
    assert "Of 105 groups by shop and product, 2 have a larger mean loss on these rows, 1 of them" in text
    assert "12 & <i>" in text
    line = "| groups | 2 of 105 got worse, 1 certainly: 12 & &lt;i> |"
    assert line in markdown(of_groups(), "x").splitlines()


def test_a_run_shows_its_decision(make_run: MakeRun) -> None:
    key = "f" * 64
    outputs = {"decision": {"path": f"../store/{key}/decision", "digest": "0", "bytes": 1}}
    run = make_run(steps=[{"step": "gate", "key": key, "how": "executed", "outputs": outputs}])
    folder = run.folder.parent / "store" / key / "decision"
    folder.mkdir(parents=True)
    (folder / "decision.json").write_text(json.dumps(decision()), encoding="utf-8")
    page = read(write_run_page(run.folder))
    assert (run.folder / decision_page.page_name(key)).is_file()
    assert {"href": "decision-ffffffffff.html"} in [element.attributes for element in page.all("a")]
    (folder / "decision.json").write_text('{"schema": 99}', encoding="utf-8")
    assert "Decision" not in [element.text for element in read(write_run_page(run.folder)).all("h2")]


@pytest.mark.parametrize("verdict", ["accepted", "rejected"])
def test_ci_is_told_of_the_decisions_of_a_run(
    make_run: MakeRun, verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    key = "f" * 64
    outputs = {"decision": {"path": f"../store/{key}/decision", "digest": "0", "bytes": 1}}
    error = {"message": "the gate rejected the model; it is not registered: too slow"}
    run = make_run(steps=[{"step": "gate", "key": key, "how": "executed", "outputs": outputs}], error=error)
    folder = run.folder.parent / "store" / key / "decision"
    folder.mkdir(parents=True)
    (folder / "decision.json").write_text(json.dumps(decision(decision=verdict)), encoding="utf-8")
    layout = Layout(run.folder.parents[1])
    assert conclude_run(layout, "azure", 3 if verdict == "rejected" else 0, run.folder) == 0
    said = capsys.readouterr().out.splitlines()
    assert f"##vso[task.setvariable variable=decision;isOutput=true]{verdict}" in said
    summary = (run.folder / "decision.md").read_text(encoding="utf-8")
    assert f"The whole decision: `runs/{run.folder.name}/decision-ffffffffff.html`" in summary
    assert conclude_run(layout, "none", 3, run.folder) == 3
