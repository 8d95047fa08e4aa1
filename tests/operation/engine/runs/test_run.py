"""Runs of the tiny project: real kernels, real reports."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from operation.engine.foundation.errors import ConfigurationError, UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.runs.request import Request, prepare
from operation.engine.runs.run import start
from tests.operation.engine.conftest import notebook, write

CHOICE = 'use_case: str = "tiny"\nenvironment: str = "DEV"\n'


def _run(layout: Layout, **request: Any) -> dict[str, Any]:
    told: list[tuple[str, int, int]] = []
    record = start(layout, prepare(layout, Request(**request)), lambda *words: told.append(words))
    assert told
    content: dict[str, Any] = json.loads(record.path.read_text(encoding="utf-8"))
    return content


def _book(layout: Layout, name: str, *cells: str) -> None:
    write(
        layout,
        f"notebooks/{name}.ipynb",
        json.dumps(notebook(CHOICE, "import core\ncore.use(use_case)", *cells)),
    )


def test_a_run_leaves_notebooks_manifest_reports_and_latest(ran: Layout) -> None:
    (folder,) = ran.runs.glob("2*")
    content = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert content["status"] == "succeeded"
    assert content["metrics"] == {"count.letters": 5.0, "double.doubled": 10.0}
    assert [(one["step"], one["how"], one["notebook"]) for one in content["steps"]] == [
        ("count", "executed", "01-count-letters"),
        ("double", "executed", "02-double-count"),
    ]
    for one in content["notebooks"]:
        assert one["status"] == "succeeded"
        assert (folder / one["report"]).stat().st_size > 5000
        cells = json.loads((folder / one["notebook"]).read_text(encoding="utf-8"))["cells"]
        assert all(cell["execution_count"] for cell in cells if cell["cell_type"] == "code")
    assert (folder / "index.html").is_file()
    assert (ran.runs / "index.html").is_file()
    assert (ran.runs / "latest" / "manifest.json").samefile(folder / "manifest.json")


def test_a_parameter_holds_for_the_notebooks_that_follow(tiny: Layout) -> None:
    content = _run(tiny, given=["factor=3", "double.mode=square"])
    assert content["metrics"] == {"count.letters": 15.0, "double.doubled": 225.0}
    assert content["notebooks"][0]["parameters"] == {"use_case": "tiny", "environment": "DEV", "factor": 3}
    assert content["command"] == "python3 -m operation run -p factor=3 -p double.mode=square"


def test_only_the_chosen_notebook_is_executed_and_what_it_needs(tiny: Layout) -> None:
    content = _run(tiny, notebooks=["02-double-count"])
    assert [one["name"] for one in content["notebooks"]] == ["02-double-count"]
    assert [one["step"] for one in content["steps"]] == ["count", "double"]


def test_notebooks_have_the_configuration_that_the_run_read(tiny: Layout) -> None:
    file = tiny.configuration / "configuration-DEV.yml"
    _book(tiny, "01-count-letters", f"open({str(file)!r}, 'w').write('no configuration')\ncore.count()")
    content = _run(tiny)
    assert (content["status"], content["error"], content["metrics"]["double.doubled"]) == (
        "succeeded",
        None,
        10.0,
    )
    assert (tiny.runs / content["id"] / "configuration.json").is_file()


def test_a_failure_in_a_core_script_stops_the_run_at_its_line(tiny: Layout) -> None:
    write(tiny, "data/text.txt", "123")
    content = _run(tiny)
    line = 1 + (tiny.src / "double.py").read_text().splitlines().index(
        '        raise ValueError("nothing to double")'
    )
    error = content["error"]
    assert content["status"] == "failed"
    assert [one["status"] for one in content["notebooks"]] == ["succeeded", "failed"]
    assert (error["type"], error["message"]) == ("ValueError", "nothing to double")
    assert (error["file"], error["line"]) == ("src/double.py", line)
    assert (error["notebook"], error["execution_count"]) == ("02-double-count", 5)
    executed = tiny.runs / content["id"] / "notebooks" / "02-double-count.ipynb"
    cell = json.loads(executed.read_text(encoding="utf-8"))["cells"][error["cell"]]
    assert "".join(cell["source"]).startswith("doubled = core.double")
    assert "nothing to double" in (tiny.runs / content["id"] / "02-double-count.html").read_text(
        encoding="utf-8"
    )


def test_a_run_goes_on_from_what_was_done(tiny: Layout) -> None:
    double = tiny.src / "double.py"
    good = double.read_text()
    double.write_text(good.replace("if count == 0:", "if True:"))
    assert _run(tiny)["status"] == "failed"
    double.write_text(good)
    content = _run(tiny)
    assert [(one["step"], one["how"]) for one in content["steps"]] == [
        ("count", "reused"),
        ("double", "executed"),
    ]


def test_a_failure_in_a_cell_is_placed_in_the_cell(tiny: Layout) -> None:
    _book(tiny, "02-double-count", "core.double()", "x = 1\n1 / 0")
    error = _run(tiny)["error"]
    assert (error["type"], error["file"], error["line"]) == (
        "ZeroDivisionError",
        "notebooks/02-double-count.ipynb",
        2,
    )
    assert error["execution_count"] == 5


def test_a_killed_kernel_is_a_failure_with_its_cell(tiny: Layout) -> None:
    _book(tiny, "01-count-letters", "core.count()", "import os\nos._exit(9)")
    content = _run(tiny)
    assert content["status"] == "failed"
    assert content["error"]["cell"] == 5
    assert content["error"]["notebook"] == "01-count-letters"
    saved = json.loads(
        (tiny.runs / content["id"] / "notebooks" / "01-count-letters.ipynb").read_text(encoding="utf-8")
    )
    assert saved["cells"][4]["execution_count"] == 4


def test_a_rejecting_gate_is_not_a_failure(tiny: Layout) -> None:
    double = tiny.src / "double.py"
    guard = "class GateRejected(Exception):\n    exit_code = 3\n\n\ndef build_parser"
    double.write_text(
        double.read_text()
        .replace("def build_parser", guard)
        .replace('ValueError("nothing', 'GateRejected("nothing')
    )
    write(tiny, "data/text.txt", "123")
    content = _run(tiny)
    assert content["status"] == "rejected"
    assert content["error"]["exit_code"] == 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            "facktor=1",
            "-p facktor=1: no notebook has this parameter. Did you mean 'factor'? "
            "There are: factor, mode, skip.",
        ),
        ("factor=fast", "-p factor=fast: 01-count-letters: expected a number or nothing, found 'fast'."),
        (
            "mode=sqare",
            "-p mode=sqare: 02-double-count: double: expected one of plain, square, found 'sqare', "
            "perhaps for 'square'.",
        ),
        ("factor", "-p factor: expected name=value."),
        ("environment=TEST", "-p environment=TEST: choose it with --environment TEST."),
        ("cuont.factor=1", "-p cuont.factor=1: no step 'cuont'. Did you mean 'count'?"),
        ("count.facktor=1", "-p count.facktor=1: count.py has no argument 'facktor'. Did you mean 'factor'?"),
        ("count.factor=fast", "-p count.factor=fast: expected a number, found 'fast'."),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_starts(tiny: Layout, given: str, message: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        prepare(tiny, Request(given=[given]))
    assert not tiny.runs.exists() or not list(tiny.runs.glob("2*"))


def test_all_wrong_parameters_are_told_at_once(tiny: Layout) -> None:
    with pytest.raises(UsageError) as caught:
        prepare(tiny, Request(given=["facktor=1", "mode=sqare", "x"]))
    assert len(str(caught.value).splitlines()) == 3


def test_an_unknown_notebook_names_the_nearest(tiny: Layout) -> None:
    message = (
        "--notebook 01-count-leters: the use case 'tiny' has no such notebook. "
        "Did you mean '01-count-letters'?\nIt has: 01-count-letters, 02-double-count."
    )
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        prepare(tiny, Request(notebooks=["01-count-leters"]))


def test_a_mistake_in_the_configuration_is_told_before_anything_starts(tiny: Layout) -> None:
    path = tiny.configuration / "configuration-tiny.yml"
    path.write_text(path.read_text().replace("factor:", "facktor:"))
    with pytest.raises(ConfigurationError, match=r"configuration/configuration-tiny\.yml:\d+: "):
        prepare(tiny, Request())


def test_text_stays_text_when_text_is_wanted(tiny: Layout) -> None:
    prepared = prepare(tiny, Request(given=["skip=[a, b]"]))
    assert prepared.parameters("01-count-letters")["skip"] == ["a", "b"]


def test_a_traceback_leads_from_the_cell_to_the_script_and_shows_nothing_of_ours(tiny: Layout) -> None:
    write(tiny, "data/text.txt", "123")
    traceback = _run(tiny, notebooks=["02-double-count"])["error"]["traceback"]
    assert "doubled = core.double(mode=mode)" in traceback
    assert 'raise ValueError("nothing to double")' in traceback
    assert "operation/engine" not in traceback.replace("\\", "/")
