from __future__ import annotations

import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from operation.engine.evidence.reports.charts import sparkline
from operation.engine.evidence.reports.gallery import all_runs, write_gallery
from tests.operation.engine.evidence.reports.conftest import MakeRun
from tests.operation.engine.evidence.reports.pages import Page, read
from tests.operation.engine.evidence.reports.samples import manifest


def names(page: Page) -> list[str]:
    return [row.attributes["data-id"] for row in page.all("tr") if "data-id" in row.attributes]


def test_runs_are_listed_the_newest_first_and_the_page_stands_alone(
    make_run: MakeRun, tmp_path: Path
) -> None:
    for day in ("20261120", "20261122", "20261121"):
        make_run(name=f"{day}-120000-flights-DEV-aaaa")
    page = read(write_gallery(tmp_path / "runs"))
    assert [name[:8] for name in names(page)] == ["20261122", "20261121", "20261120"]
    assert page.loading() == []
    assert page.problems == []
    assert [heading.text for heading in page.all("h1")] == ["All runs"]
    assert all(header.attributes["scope"] in {"row", "col"} for header in page.all("th"))


def test_broken_partial_and_foreign_folders(make_run: MakeRun, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    make_run(name="20261122-120000-flights-DEV-good")
    make_run(name="20261122-110000-flights-DEV-kill", status="running", ended=None, seconds=None)
    (make_run(name="20261122-100000-flights-DEV-torn").folder / "manifest.json").write_text(
        '{"a', encoding="utf-8"
    )
    (runs / "20261122-090000-flights-DEV-none").mkdir()
    (runs / "store" / "abc").mkdir(parents=True)
    (runs / "mlflow.db").write_text("", encoding="utf-8")
    (runs / "latest").symlink_to("20261122-120000-flights-DEV-good")
    page = read(write_gallery(runs))
    statuses = {row.attributes["data-id"][-4:]: row.attributes["data-status"] for row in page.all("tr")[1:]}
    assert statuses == {"good": "succeeded", "kill": "unfinished", "torn": "unreadable", "none": "unreadable"}
    assert "there is no manifest.json: the run ended before writing it" in page.text


def test_a_run_is_named_by_its_folder_whatever_its_manifest_says(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    (run.folder / "manifest.json").write_text(json.dumps(manifest(id="../../etc")), encoding="utf-8")
    assert [record.id for record in all_runs(tmp_path / "runs")] == [run.folder.name]


def test_trends_need_two_runs_and_are_described(make_run: MakeRun, tmp_path: Path) -> None:
    for hour, score in enumerate([0.60, 0.64, 0.62]):
        make_run(name=f"20261122-{hour:02d}0000-flights-DEV-aaaa", metrics={"evaluate.roc_auc": score})
    page = read(write_gallery(tmp_path / "runs"))
    assert [picture.attributes["aria-label"] for picture in page.all("svg")] == [
        "evaluate.roc_auc over 3 runs, between 0.6000 and 0.6400"
    ]
    assert "0.6200 -0.02" in page.text


def test_without_runs_the_page_says_how_to_begin(tmp_path: Path) -> None:
    page = read(write_gallery(tmp_path / "runs"))
    assert "No runs yet. Start one: python3 -m operation run" in page.all("p")[0].text
    assert page.all("script") == []


def test_a_sparkline_of_equal_values_is_level() -> None:
    assert sparkline([2.0, 2.0, 2.0]) == "3.0,15.0 60.0,15.0 117.0,15.0"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=1) | st.sampled_from(["</script><script>x", "<!--<script>", "\u2028", '"><b>']))
def test_no_text_breaks_out(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "runs" / "20261122-120000-x"
    folder.mkdir(parents=True, exist_ok=True)
    content = manifest(
        use_case=text, commit=text, environment=text, status=text, metrics={text: 0.5, "a": text}
    )
    content["notebooks"][0]["parameters"] = {text: text}
    (folder / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    page = read(write_gallery(tmp_path / "runs"))
    assert page.loading() == []
    assert page.problems == []
    data, _, _ = page.all("script")
    assert json.loads(data.text)[0]["id"] == "20261122-120000-x"
