"""Sweeps of the tiny project through the command line: real notebooks, real reports, a real MLflow store."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from operation import cli
from operation.engine.evidence.capsule.unpack import read_capsule
from operation.engine.foundation import manifest
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.run_folder import RunFolder
from operation.engine.runs.cleaning import plan_cleaning
from tests.operation.engine.conftest import build, notebook, write
from tests.operation.engine.evidence.reports.pages import read
from tests.operation.engine.evidence.reports.test_browser import Server, browse, chromium, server
from tests.processes import processes_of

__all__ = ["chromium", "server"]  # fixtures

COMMAND = [sys.executable, "-c", "import sys; from operation.cli import main; sys.exit(main(sys.argv[1:]))"]
NOTEBOOK, OTHER = "02-double-count", "01-count-letters"
GRID = ["--grid", "count.factor=0,1,2", "--grid", "mode=plain,square"]
SCHEMA = json.loads(Path(manifest.__file__).with_name("manifest_schema.json").read_text(encoding="utf-8"))


def _sweep(*words: str) -> int:
    return cli.main(["sweep", *words])


def _content(layout: Layout) -> dict[str, Any]:
    (folder,) = (layout.runs / "sweeps").iterdir()
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="session")
def one_sweep(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, int]:
    """What one sweep leaves, says and returns: six points, of which two fail, two at a time."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        layout = build(tmp_path_factory.mktemp("swept"), monkeypatch)
        said = layout.root / "said.txt"
        with said.open("w", encoding="utf-8") as file:
            words = [*COMMAND, "sweep", NOTEBOOK, *GRID, "--workers", "2"]
            done = subprocess.run(words, stdout=file, stderr=subprocess.STDOUT, check=False, cwd=layout.root)
    return layout.runs, said.read_text(encoding="utf-8"), done.returncode


@pytest.fixture
def swept(tiny: Layout, one_sweep: tuple[Path, str, int]) -> Layout:
    """The tiny project after that sweep."""
    shutil.copytree(one_sweep[0], tiny.runs, symlinks=True)
    return tiny


def test_a_sweep_ranks_its_points_and_names_what_failed(
    swept: Layout, one_sweep: tuple[Path, str, int]
) -> None:
    _, said, code = one_sweep
    content = _content(swept)
    assert code == 1
    assert [entry["status"] for entry in content["points"]] == ["failed"] * 2 + ["succeeded"] * 4
    assert (content["metric"], content["best"]) == ("double.doubled", 6)
    assert [entry["metrics"].get("double.doubled") for entry in content["points"][2:]] == [10, 25, 20, 100]
    lines = said.splitlines()
    assert lines[0] == f"tiny in DEV: {NOTEBOOK} at 6 points, 2 at once"
    assert (
        "failed: count.factor=0.0 mode=plain: cell In [5], src/double.py:20: ValueError: nothing to double"
        in [line.replace("factor=0 ", "factor=0.0 ") for line in lines]
    )
    assert f"  rerun: python3 -m operation run --notebook {NOTEBOOK} -p count.factor=0 -p mode=plain" in lines
    assert "best by highest double.doubled:" in lines
    assert lines[-1] == f"report: runs/sweeps/{content['id']}/index.html"
    assert lines[-2].startswith("failed in ")
    assert lines[-2].endswith(": 2 failed, 4 succeeded; --retry-failed executes failed points again")


def test_each_point_is_a_run_with_its_notebook_and_its_report(swept: Layout) -> None:
    content = _content(swept)
    jsonschema.validate(content, {**SCHEMA, "oneOf": [{"$ref": "#/$defs/sweep"}]})
    for entry in content["points"]:
        run = json.loads((swept.runs / entry["run"] / "manifest.json").read_text(encoding="utf-8"))
        jsonschema.validate(run, {**SCHEMA, "oneOf": [{"$ref": "#/$defs/run"}]})
        assert run["status"] == entry["status"]
        assert run["command"] == entry["command"]
        assert (swept.runs / entry["report"]).stat().st_size > 5000
        assert (swept.runs / entry["run"] / "index.html").is_file()
        assert (swept.runs / entry["notebook"]).is_file()


def test_each_point_that_failed_leaves_a_capsule(swept: Layout, one_sweep: tuple[Path, str, int]) -> None:
    for entry in _content(swept)["points"]:
        capsule = swept.runs / entry["run"] / "capsule.zip"
        assert capsule.exists() is (entry["status"] == "failed")
        if entry["status"] == "failed":
            assert read_capsule(capsule).content["error"]["type"] == "ValueError"
            said = f"  replay: python3 -m operation replay {swept.relative(capsule)}"
            assert said in one_sweep[1].splitlines()


def test_a_step_that_points_share_is_executed_once(swept: Layout) -> None:
    lines = (swept.runs / "history" / "tiny.DEV.count.jsonl").read_text(encoding="utf-8").splitlines()
    executed = [entry["key"] for line in lines if (entry := json.loads(line))["how"] == "executed"]
    assert len(executed) == len(set(executed)) == 3


def test_the_table_has_all_metrics(swept: Layout) -> None:
    folder = swept.runs / "sweeps" / _content(swept)["id"]
    rows = list(csv.DictReader((folder / "results.csv").open(encoding="utf-8")))
    assert [row["double.doubled"] for row in rows] == ["", "", "10.0", "25.0", "20.0", "100.0"]
    assert rows[5]["parameter.mode"] == "square"
    assert len(json.loads((folder / "results.json").read_text(encoding="utf-8"))["rows"]) == 6


def test_mlflow_has_a_parent_run_with_a_child_for_each_point(swept: Layout) -> None:
    from operation.engine.runs.mlflow_log import open_store

    store = open_store(f"sqlite:///{swept.runs / 'mlflow.db'}")
    experiment = store.get_experiment_by_name("tiny").experiment_id
    runs = store.search_runs([experiment], max_results=50)
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert [run.data.tags["workbench.kind"] for run in parents] == ["sweep"]
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parents[0].info.run_id}
    found = {run.info.run_name: run for run in children}
    assert found["point-006"].data.params == {"count.factor": "2", "mode": "square"}
    assert found["point-006"].data.metrics["double.doubled"] == 100
    assert [found[f"point-00{number}"].info.status for number in (1, 6)] == ["FAILED", "FINISHED"]


def test_asked_again_a_sweep_executes_nothing_and_failures_only_on_request(
    swept: Layout, capfd: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in swept.runs.glob("sweeps/*/point-*/manifest.json")}
    assert _sweep(NOTEBOOK, *GRID, "--workers", "2") == 1
    assert "2 failed, 4 succeeded, 6 of them reused" in capfd.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert _sweep(NOTEBOOK, *GRID, "--workers", "2", "--retry-failed") == 1
    changed = [path.parent.name for path in before if path.stat().st_mtime_ns != before[path]]
    assert sorted(changed) == ["point-001", "point-002"]


def test_points_are_known_by_what_they_are(swept: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--grid", "count.factor=1,2,02,3", "--grid", "mode=square", "--dry-run"]
    assert _sweep(NOTEBOOK, *words) == 0
    name = _content(swept)["id"]
    assert capsys.readouterr().out.splitlines() == [
        f"     1  count.factor=1 mode=square  known: runs/sweeps/{name}/point-004",
        f"     2  count.factor=2 mode=square  known: runs/sweeps/{name}/point-006",
        "     3  count.factor=3 mode=square",
        "3 points (1 given twice); 2 known, 1 to execute",
    ]
    assert cli.main(["run", "--notebook", NOTEBOOK, "-p", "count.factor=1", "-p", "mode=square"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == f"report: runs/sweeps/{name}/point-004/index.html"


def test_the_gallery_and_latest_know_nothing_of_points(swept: Layout) -> None:
    assert not (swept.runs / "latest").exists()
    from operation.engine.evidence.reports.gallery import all_runs

    assert all_runs(swept.runs) == []


def test_what_a_sweep_refers_to_is_not_cleaned_away(swept: Layout) -> None:
    assert [one.kind for one in plan_cleaning(swept, days=0).removable] == []
    shutil.rmtree(next((swept.runs / "sweeps").iterdir()))
    assert {one.kind for one in plan_cleaning(swept, days=0).removable} == {"store entry"}


def test_the_page_stands_alone_and_marks_the_best(swept: Layout) -> None:
    content = _content(swept)
    page = read(swept.runs / "sweeps" / content["id"] / "index.html")
    assert page.problems == []
    assert page.loading() == []
    assert [one.attributes["aria-label"] for one in page.all("svg")] == [
        "double.doubled against count.factor: on average from 17.50 at 1 to 60 at 2",
        "double.doubled against mode: on average from 15 at plain to 62.50 at square",
    ]
    assert "The best of 6 points, chosen by the rows that measure it: expect less on new data." in page.text
    links = [one.attributes["href"] for one in page.all("a")]
    assert f"point-006/{NOTEBOOK}.html" in links
    assert f"point-001/{NOTEBOOK}.html#failure" in links


VISITOR = """<!DOCTYPE html><html><head><link rel="icon" href="data:,"></head><body>
<iframe width="1280" height="700" src="PAGE"></iframe><script>
const frame = document.querySelector("iframe");
frame.onload = () => {
  const inside = frame.contentDocument, notes = [];
  const order = () => Array.from(inside.querySelectorAll("#table tbody tr"))
    .map((row) => row.cells[0].dataset.value).join(" ");
  const heading = (name) => Array.from(inside.querySelectorAll("#table th"))
    .find((one) => one.textContent.startsWith(name));
  notes.push(order());
  heading("count.factor").firstChild.click(); notes.push(heading("count.factor").ariaSort + " " + order());
  heading("doubled").firstChild.click(); notes.push(heading("doubled").ariaSort + " " + order());
  notes.push(inside.documentElement.scrollWidth <= 1280);
  document.body.textContent = notes.join("\\n");
};
</script></body></html>"""


def test_the_page_sorts_in_a_browser_and_asks_for_nothing(
    one_sweep: tuple[Path, str, int], server: Server, chromium: Path
) -> None:
    shutil.copytree(one_sweep[0], server.folder / "runs", symlinks=True)
    folder = next((server.folder / "runs" / "sweeps").iterdir())
    page = f"runs/sweeps/{folder.name}/index.html"
    notes, console = browse(server, [], chromium, VISITOR.replace("PAGE", page))
    assert console == []
    assert notes == ["6 4 5 3 1 2", "ascending 1 2 4 3 6 5", "ascending 3 5 4 6 1 2", "true"]
    assert sorted(server.requested) == sorted(f"127.0.0.1/{name}" for name in ("visit.html", page))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["02-dubble-count", "--grid", "mode=plain"],
            "02-dubble-count: the use case 'tiny' has no such notebook. Did you mean '02-double-count'?\n"
            "It has: 01-count-letters, 02-double-count.",
        ),
        (
            [NOTEBOOK, "--grid", "moed=plain"],
            "--grid moed=plain: no notebook has this parameter. Did you mean 'mode'? There are: mode.",
        ),
        (
            [NOTEBOOK, "--grid", "mode=plain,sqare", "--grid", "count.factor=1,x"],
            "--grid mode=sqare: 02-double-count: double: expected one of plain, square, found 'sqare', "
            "perhaps for 'square'.\n--grid count.factor=x: expected a number, found 'x'.",
        ),
        (
            [NOTEBOOK, "--grid", "mode=plain", "-p", "mode=square"],
            "--grid mode: -p gives it one value: vary it or fix it, not both.",
        ),
        (
            [NOTEBOOK, "--grid", "mode=plain", "--address", "auto"],
            "--address auto: only --engine ray spreads points over a cluster.",
        ),
    ],
)
def test_everything_is_checked_before_anything_starts(
    tiny: Layout, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _sweep(*words) == 2
    assert capsys.readouterr().err == f"error: {said}\n"
    assert not (tiny.runs / "sweeps").exists()


def test_the_stock_engine_gives_the_same(swept: Layout) -> None:
    before = _content(swept)["points"][4:]
    shutil.rmtree(swept.runs)
    words = ["--grid", "mode=plain,square", "-p", "count.factor=2", "--engine", "nbclient", "--json"]
    done = subprocess.run(
        [*COMMAND, "sweep", NOTEBOOK, *words, "--workers", "2"], stdout=subprocess.PIPE, check=True
    )
    assert json.loads(done.stdout) == _content(swept)
    for entry, other in zip(_content(swept)["points"], before, strict=True):
        assert (entry["metrics"], entry["keys"]) == (other["metrics"], other["keys"])


@pytest.mark.skipif(sys.platform == "win32", reason="a signal reaches one process there, not a group")
@pytest.mark.parametrize("engine", ["workbench", "nbclient"])
def test_an_interrupted_sweep_leaves_nothing_running_and_goes_on(tiny: Layout, engine: str) -> None:
    choice = 'use_case: str = "tiny"\nenvironment: str = "DEV"\nseconds: float = 0.0  # to wait\n'
    wait = f"import time\nopen({str(tiny.root / 'begun')!r}, 'a').write(f'{{seconds}} ')\ntime.sleep(seconds)"
    write(tiny, f"notebooks/{OTHER}.ipynb", json.dumps(notebook(choice, wait)))
    words = [*COMMAND, "sweep", OTHER, "--grid", "seconds=0,600,601", "--workers", "2", "--engine", engine]
    with subprocess.Popen(words, cwd=tiny.root, start_new_session=True, stderr=subprocess.PIPE) as child:
        begun, limit = tiny.root / "begun", time.monotonic() + 120
        while not (begun.exists() and len(begun.read_text().split()) == 3) and time.monotonic() < limit:
            time.sleep(0.1)
        os.killpg(child.pid, signal.SIGINT)
        _, said = child.communicate(timeout=60)
    assert (child.returncode, said.decode().splitlines()[-1]) == (130, "interrupted")
    content = _content(tiny)
    assert content["status"] == "interrupted"
    assert [entry["status"] for entry in content["points"]] == ["succeeded", "pending", "pending"]
    assert processes_of(tiny.root) == []
    write_quick = [*COMMAND, "sweep", OTHER, "--grid", "seconds=0,600,601", "--dry-run"]
    done = subprocess.run(write_quick, cwd=tiny.root, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "3 points; 1 known, 2 to execute"


def test_a_run_folder_of_a_point_holds_its_own_steps_alone(swept: Layout) -> None:
    for entry in _content(swept)["points"]:
        steps = RunFolder(swept.runs / entry["run"]).records()
        assert {step["notebook"] for step in steps} == {NOTEBOOK}
