"""What a run asks for: the engine, limits, and a word about a notebook that cannot be saved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operation.engine.foundation.layout import Layout
from operation.engine.notebooks.engines import NotSaved
from operation.engine.notebooks.execution import Executed, execute
from operation.engine.notebooks.fork_server.libraries import libraries
from operation.engine.notebooks.limits import Limits
from operation.engine.runs.request import Request
from tests.operation.engine.conftest import notebook, write


def _execute(folder: Path, *cells: str, limits: Limits | None = None, engine: str = "workbench") -> Executed:
    source = folder / "in.ipynb"
    source.write_text(json.dumps(notebook("a: int = 1", *cells)), encoding="utf-8")
    words = ({"a": 2}, {"OWN": "yes"}, lambda *_: None)
    return execute(source, folder / "out" / "executed.ipynb", *words, engine=engine, limits=limits)


@pytest.mark.parametrize("engine", ["workbench", "nbclient"])
def test_variables_and_parameters_arrive(tmp_path: Path, engine: str) -> None:
    executed = _execute(tmp_path, "import os\na, os.environ['OWN']", engine=engine)
    assert executed.error is None
    assert executed.document["cells"][-1]["outputs"][0]["data"]["text/plain"] == ["(2, 'yes')"]


@pytest.mark.parametrize("engine", ["workbench", "nbclient"])
def test_a_limit_of_time_holds(tmp_path: Path, engine: str) -> None:
    executed = _execute(tmp_path, "while True: pass", limits=Limits(cell=1), engine=engine)
    assert type(executed.error).__name__ == "CellTimeoutError"


@pytest.mark.parametrize("engine", ["workbench", "nbclient"])
def test_the_log_of_a_kernel_holds_no_secret_while_it_runs_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setenv("LEAKY_API_KEY", "can4ry-in-a-log")
    log = tmp_path / "out" / "executed.log"
    leak = "print('has', os.environ['LEAKY_API_KEY'], file=sys.__stderr__, flush=True)"
    cells = [
        f"import os, sys, time\n{leak}",
        f"while 'has' not in (text := open({str(log)!r}).read()): time.sleep(0.01)\n'can' + '4ry' in text",
    ]
    executed = _execute(tmp_path, *cells, limits=Limits(cell=300), engine=engine)
    assert executed.error is None
    assert executed.document["cells"][-1]["outputs"][0]["data"]["text/plain"] == ["False"]
    assert log.read_text(encoding="utf-8").endswith("has ***\n")


def test_a_notebook_that_cannot_be_saved_is_named_with_its_cell(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    code = f"import os, shutil\nshutil.rmtree({str(folder)!r})\nopen({str(folder)!r}, 'w').close()"
    with pytest.raises(NotSaved) as caught:
        _execute(tmp_path, "1", code, "2")
    assert str(caught.value) == (
        f"executed, cell 4: the executed notebook cannot be written to {folder}: Not a directory. Let this "
        "user write there, free some space, or name a folder elsewhere by the environment variable "
        "WORKBENCH_RUNS."
    )


def test_the_command_of_a_request_repeats_engine_and_limits() -> None:
    request = Request(engine="nbclient", limits=Limits(cell=1.5, run=60, memory=2_000_000_000))
    assert request.command == (
        "python3 -m operation run --engine nbclient --cell-seconds 1.5 --seconds 60 --megabytes 2000"
    )


def test_what_notebooks_import_is_known_before_they_run(tiny: Layout) -> None:
    scripts = {"count": tiny.src / "count.py"}
    books = [tiny.notebooks / "01-count-letters.ipynb"]
    found = libraries(books, scripts)
    assert {"argparse", "json", "operation.engine.steps.interactive"} <= set(found)
    assert not {"core", "words", "utils", "count"} & set(found)
    assert libraries(books, {})[0] == found[0]


def test_nothing_is_imported_before_a_notebook_that_sets_variables(tiny: Layout) -> None:
    write(
        tiny,
        "notebooks/01-count-letters.ipynb",
        json.dumps(notebook("a = 1", "import numpy", "import os\nos.environ['X'] = '1'")),
    )
    assert libraries([tiny.notebooks / "01-count-letters.ipynb"], {}) == []


def test_nothing_is_imported_before_a_notebook_whose_figures_are_configured_beside_it(tiny: Layout) -> None:
    book = tiny.notebooks / "01-count-letters.ipynb"
    assert libraries([book], {})
    (tiny.notebooks / "matplotlibrc").write_text("lines.linewidth: 7", encoding="utf-8")
    assert libraries([book], {}) == []
