from __future__ import annotations

import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from operation.engine.evidence.reports.run_page import write_run_page
from tests.operation.engine.evidence.reports.conftest import MakeRun
from tests.operation.engine.evidence.reports.pages import Page, read
from tests.operation.engine.evidence.reports.samples import FAILURE, Run, manifest


def write(run: Run) -> Page:
    (run.folder / "01-explore-data.html").write_text("<p>report</p>", encoding="utf-8")
    return read(write_run_page(run.folder))


def banner(page: Page) -> list[str]:
    section = next(one for one in page.all("section") if "banner" in one.attributes.get("class", ""))
    return [line.strip() for line in section.text.split("\n") if line.strip()]


def test_the_page_stands_alone_and_is_accessible(make_run: MakeRun) -> None:
    page = write(make_run())
    assert page.loading() == []
    assert page.problems == []
    assert page.all("html")[0].attributes["lang"] == "en"
    assert [heading.text for heading in page.all("h1")] == ["Will a flight arrive 15 or more minutes late?"]
    assert [heading.text for heading in page.all("h2")] == ["Metrics", "Notebooks", "Steps", "Reproduce"]
    assert all(header.attributes["scope"] in {"row", "col"} for header in page.all("th"))
    assert [image.attributes["alt"] for image in page.all("img")] == ["A figure of How late?"]


def test_a_clean_run_can_be_repeated_from_its_commit(make_run: MakeRun) -> None:
    command = next(one for one in write(make_run()).all("pre"))
    assert command.text == "git checkout 4e06e32c0f\npython3 -m operation run"


def test_a_run_with_uncommitted_changes_says_so(make_run: MakeRun) -> None:
    page = write(make_run(dirty=True))
    assert "git checkout" not in page.text
    assert "The run included uncommitted changes." in page.text


def test_a_failed_run_says_what_where_and_how_to_go_on(failed_run: Run) -> None:
    page = write(failed_run)
    assert banner(page)[:4] == [
        "01-explore-data failed in cell In [7]",
        "KeyError: 'carrier'",
        "src/evaluate.py:41 See the cell that failed",
        "Fix it, then rerun; completed steps are reused. python3 -m operation run",
    ]
    assert "01-explore-data.html#failure" in [link.attributes["href"] for link in page.all("a")]


def test_a_rejected_run_says_that_the_gate_said_no(make_run: MakeRun) -> None:
    error = {**FAILURE, "type": "GateRejected", "message": "roc_auc 0.61 is under 0.65."}
    assert banner(write(make_run(status="rejected", error=error)))[:2] == [
        "The gate rejected the model",
        "GateRejected: roc_auc 0.61 is under 0.65.",
    ]


def test_a_killed_run_is_unfinished(make_run: MakeRun) -> None:
    page = write(make_run(status="running", ended=None, seconds=None))
    assert banner(page)[0] == "The run did not finish"
    assert any(pill.attributes.get("class") == "pill unfinished" for pill in page.all("span"))


def test_a_run_without_a_readable_manifest_has_a_page(make_run: MakeRun) -> None:
    run = make_run()
    (run.folder / "manifest.json").write_text("{", encoding="utf-8")
    assert banner(write(run))[0] == "The run has no readable manifest"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(min_size=1)
    | st.sampled_from(["</style><script>", '"><img src=x onerror=y>', "javascript:x"])
)
def test_no_text_breaks_out(tmp_path: Path, text: str) -> None:
    error = {"type": text, "message": text, "file": text, "notebook": text, "cell": 1, "traceback": text}
    content = manifest(
        description=text, command=text, host=text, metrics={text: text, f"a.{text}": 1.5}, error=error
    )
    content["status"] = "failed"
    content["notebooks"][0] |= {"name": text, "title": text, "report": "x.html", "parameters": {text: [text]}}
    (tmp_path / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / "x.html").write_text("", encoding="utf-8")
    page = read(write_run_page(tmp_path))
    assert page.loading() == []
    assert page.problems == []
    assert page.all("script") == []
