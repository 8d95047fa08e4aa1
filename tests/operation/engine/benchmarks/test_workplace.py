"""What contenders work in, and what they are given: real files, nothing measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from operation.engine.benchmarks.contender import Command, Measured
from operation.engine.benchmarks.graph import write_graph
from operation.engine.benchmarks.options import Options, earlier
from operation.engine.benchmarks.sample import write_sample
from operation.engine.benchmarks.scripts import as_script
from operation.engine.benchmarks.traces import cell_seconds, page_kilobytes
from operation.engine.benchmarks.workplace import Workplace
from operation.engine.errors import StepFailed, UsageError
from operation.engine.layout import Layout
from tests.operation.engine.conftest import notebook, write

WRITES = """
from pathlib import Path
for name in ("store/key/out.txt", "mlflow.db"):
    path = Path("runs") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("before")
"""


def seeded(layout: Layout, folder: Path) -> Workplace:
    place = Workplace(layout, folder)
    place.seed([Command([sys.executable, "-c", WRITES], place.project)])
    return place


def test_everyone_finds_what_was_there_before_and_nothing_of_others(tiny: Layout, tmp_path: Path) -> None:
    work = seeded(tiny, tmp_path / "work")
    first = work.fresh()
    (first.project / "runs" / "mlflow.db").write_text("changed", encoding="utf-8")
    (first.project / "runs" / "store" / "more").mkdir()
    (first.out / "left.html").touch()
    second = work.fresh()
    runs = second.project / "runs"
    assert (runs / "mlflow.db").read_text(encoding="utf-8") == "before"
    assert [path.name for path in (runs / "store").iterdir()] == ["key"]
    assert list(second.out.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="how many names a file has is a POSIX matter")
def test_the_store_is_linked_and_databases_are_copied(tiny: Layout, tmp_path: Path) -> None:
    runs = seeded(tiny, tmp_path / "work").fresh().project / "runs"
    assert (runs / "store" / "key" / "out.txt").stat().st_nlink == 2
    assert (runs / "mlflow.db").stat().st_nlink == 1


def test_the_copy_holds_the_project_and_neither_its_runs_nor_what_is_hidden(
    tiny: Layout, tmp_path: Path
) -> None:
    write(tiny, "runs/mlflow.db", "the project's own")
    write(tiny, ".venv/pyvenv.cfg", "")
    write(tiny, "data/large.csv", "x" * 1_000_001)
    project = Workplace(tiny, tmp_path / "work").project
    assert {path.name for path in project.iterdir()} == {
        *("configuration", "data", "notebooks", "requirements.lock", "runs", "src")
    }
    assert list((project / "runs").iterdir()) == []
    assert (project / "data" / "large.csv").stat().st_size == 1_000_001


def test_what_fails_before_measuring_is_said(tiny: Layout, tmp_path: Path) -> None:
    place = Workplace(tiny, tmp_path / "work")
    with pytest.raises(StepFailed, match=r"^before measuring: exit code 3 of: "):
        place.seed([Command([sys.executable, "-c", "raise SystemExit(3)"], place.project)])


def test_the_plain_script_is_the_notebook_s_code_with_its_parameters(tiny: Layout) -> None:
    text = as_script(tiny.notebooks / "01-count-letters.ipynb", tiny.notebooks, {"factor": 2.0})
    lines = text.splitlines()
    assert "counted = core.count(factor=factor, skip=skip)" in lines
    assert lines.index("factor = 2.0") < lines.index("import core")
    compile(text, "script", "exec")


def test_a_notebook_that_is_not_plain_python_is_refused(tiny: Layout) -> None:
    write(tiny, "notebooks/magic.ipynb", json.dumps(notebook("a: int = 1", "%matplotlib inline")))
    with pytest.raises(UsageError) as caught:
        as_script(tiny.notebooks / "magic.ipynb", tiny.notebooks, {})
    assert str(caught.value) == (
        "magic.ipynb, cell 2: not plain Python, so no plain script does the same: invalid syntax. "
        "Name another notebook: --notebook NAME."
    )


def test_a_sweep_has_as_many_points_as_asked_for() -> None:
    for points in (1, 2, 7, 10, 50):
        found = Options(points=points).combinations()
        assert len({tuple(one.items()) for one in found}) == points
    grid = Options(grid={"factor": ["1", "2"], "mode": ["plain", "square"]})
    assert grid.combinations()[1] == {"factor": "1", "mode": "square"}
    assert len(grid.combinations()) == 4


def test_the_notebooks_before_one() -> None:
    names = ["01-look", "02-train", "03-judge"]
    assert (earlier(names, "01-look"), earlier(names, "03-judge")) == ([], ["01-look", "02-train"])
    with pytest.raises(UsageError) as caught:
        earlier(names, "02-trian")
    assert str(caught.value) == (
        "--notebook 02-trian: the use case has no such notebook. Did you mean '02-train'? "
        "It has 01-look, 02-train and 03-judge."
    )


def executed(path: Path, *outputs: str) -> Path:
    document = notebook("a: int = 1", *("print()" for _ in outputs))
    for cell, text in zip(document["cells"][2:], outputs, strict=True):
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": text}]
        cell["metadata"] = {"papermill": {"duration": 1.5}}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_a_sample_has_the_wanted_size_and_no_large_output(tmp_path: Path) -> None:
    sources = [executed(tmp_path / "one.ipynb", "a" * 900), executed(tmp_path / "two.ipynb", "b" * 20_000)]
    sample = write_sample(sources, tmp_path / "sample.ipynb")
    text = sample.read_text(encoding="utf-8")
    assert 50_000 <= len(text) < 52_000
    assert ("a" * 900 in text, "b" * 20_000 in text) == (True, False)
    cells = json.loads(text)["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells)


def test_traces_of_what_was_left(tmp_path: Path) -> None:
    files = [executed(tmp_path / "one.ipynb", "a", "b"), tmp_path / "one.html", tmp_path / "one.html"]
    files[1].write_bytes(b"x" * 1500)
    assert (cell_seconds(files), page_kilobytes(files)) == (3.0, 1.5)
    assert (cell_seconds(files[1:]), page_kilobytes(files[:1])) == (None, None)
    assert Measured(1.0).cells is None


def test_the_graph_has_a_task_for_each_step_and_notebook_and_can_be_made(
    tiny: Layout, tmp_path: Path
) -> None:
    keys = {"count": "a" * 64, "double": "b" * 64}
    for key in keys.values():
        write(tiny, f"runs/store/{key}/result/metrics.json", "{}")
    run = tiny.runs / "one"
    for name in ("01-count-letters", "02-double-count"):
        write(tiny, f"runs/one/notebooks/{name}.ipynb", "{}")
        write(tiny, f"runs/one/{name}.html", "")
    steps = [
        {
            "step": step,
            "key": key,
            "notebook": notebook_name,
            "argv": [f"--counted=runs/store/{keys['count']}/result"] if step == "double" else [],
            "outputs": {"result": {"path": f"../store/{key}/result"}},
            "components": {"sources": {f"{step}.py": {}}},
        }
        for (step, key), notebook_name in zip(
            keys.items(), ["01-count-letters", "02-double-count"], strict=True
        )
    ]
    notebooks = [{"name": "01-count-letters"}, {"name": "02-double-count"}]
    (run / "manifest.json").write_text(json.dumps({"steps": steps, "notebooks": notebooks}), encoding="utf-8")
    folder = tmp_path / "graph"
    folder.mkdir()
    tasks = write_graph(tiny.root, run, folder)
    assert [(one.name, one.needs) for one in tasks] == [
        ("00-count", []),
        ("01-double", ["00-count"]),
        ("01-count-letters", ["00-count"]),
        ("02-double-count", ["01-double"]),
    ]
    stages = json.loads((folder / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert stages["01-double"]["deps"] == ["src/double.py", "outs/00-count"]
    for task in tasks:
        subprocess.run([sys.executable, "make.py", task.name], cwd=folder, check=True)
    listed = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
    assert [
        name for task in listed for name in task["files"] + task["targets"] if not (folder / name).is_file()
    ] == []
    assert listed[1]["files"] == ["src/double.py", "outs/00-count/result/metrics.json"]
