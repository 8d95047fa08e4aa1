"""Red against green: the first difference from the last good run is the one that matters."""

from __future__ import annotations

from typing import Any

import pytest

from operation import cli
from operation.engine.foundation.layout import Layout
from operation.engine.runs.request import Request, prepare
from operation.engine.runs.run import start
from tests.operation.engine.conftest import write


def _run(layout: Layout, *given: str, notebooks: tuple[str, ...] = ()) -> dict[str, Any]:
    request = Request(given=given, notebooks=notebooks)
    return start(layout, prepare(layout, request), lambda *_: None).content


def _edit(layout: Layout, script: str, old: str, new: str) -> None:
    path = layout.src / script
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_failed_run_names_the_function_that_changed(ran: Layout) -> None:
    good = next(ran.runs.glob("2*")).name
    _edit(ran, "words.py", "sum(1", "sum(0")
    bad = _run(ran)
    assert bad["status"] == "failed"
    found = bad["since_last_good"]
    assert found["run"] == good
    assert found["differences"][0].startswith("double: input counted has other content")
    page = (ran.runs / bad["id"] / "index.html").read_text(encoding="utf-8")
    assert "Since the last good run" in page
    assert good in page


def test_a_bug_in_the_failing_script_is_named_first(ran: Layout) -> None:
    _edit(ran, "double.py", "if count == 0:", "if count != 0:")
    assert _run(ran)["since_last_good"]["differences"] == ["double: src/double.py: main() changed"]


def test_a_change_that_concerns_two_steps_is_told_once(tiny: Layout) -> None:
    _edit(tiny, "double.py", "from utils", "import words\nfrom utils")
    _run(tiny)
    _edit(tiny, "words.py", "sum(1", "sum(0")
    found = _run(tiny)["since_last_good"]["differences"]
    assert found[0] == "double, count: src/words.py: letters() changed"
    assert found[1].startswith("double: input counted has other content")
    assert len(found) == 2


def test_the_cause_stands_before_what_all_steps_share(tiny: Layout) -> None:
    write(tiny, "requirements.lock", "".join(f"package{index}==1.0\n" for index in range(30)))
    good = _run(tiny)
    write(tiny, "requirements.lock", "".join(f"package{index}==2.0\n" for index in range(30)))
    _edit(tiny, "words.py", "sum(1", "sum(0")
    bad = _run(tiny)
    *_, cause, packages = bad["since_last_good"]["differences"]
    assert bad["since_last_good"]["run"] == good["id"]
    assert cause == "count: src/words.py: letters() changed"
    assert packages.startswith("double, count: package package0: 1.0 -> 2.0, package1: 1.0 -> 2.0, ")
    assert packages.endswith("package9: 1.0 -> 2.0")


def test_a_cell_that_failed_is_named_before_the_steps_that_it_followed(ran: Layout) -> None:
    write(ran, "data/text.txt", "abc")
    file = ran.notebooks / "01-count-letters.ipynb"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("\\ncounted", "\\n1 / 0"), encoding="utf-8")
    cell, gone, data = _run(ran)["since_last_good"]["differences"]
    assert cell.startswith(
        "notebooks/01-count-letters.ipynb: this cell is new or changed: counted = core.count"
    )
    assert gone.startswith(
        "notebooks/01-count-letters.ipynb: this cell of the good run is gone: counted = core"
    )
    assert data.startswith("count: input text has other content")


def test_a_run_with_the_same_parameters_is_compared_before_a_later_one(tiny: Layout) -> None:
    one, two = (_run(tiny, f"factor={factor}", notebooks=("01-count-letters",)) for factor in (1.5, 2.5))
    _edit(tiny, "count.py", "folder.mkdir()", "raise RuntimeError('full')")
    same = _run(tiny, "factor=1.5", notebooks=("01-count-letters",))["since_last_good"]
    assert same == {"run": one["id"], "differences": ["count: src/count.py: main() changed"]}
    other = _run(tiny, "factor=3.5", notebooks=("01-count-letters",))["since_last_good"]
    assert other["run"] == two["id"]
    assert other["differences"] == [
        "parameter factor: 2.5 -> 3.5 (there is no good run with the same parameters)",
        "count: src/count.py: main() changed",
        "count: argument --factor: 2.5 -> 3.5",
    ]


def test_the_page_and_the_console_leave_out_no_change(
    tiny: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = range(20)
    for number in numbers:
        write(tiny, f"src/part{number}.py", "def value():\n    return 1\n")
    imports = "".join(f"import part{number}\n" for number in numbers)
    _edit(tiny, "count.py", "import argparse", f"{imports}import argparse")
    _run(tiny)
    for number in numbers:
        _edit(tiny, f"part{number}.py", "1", "2")
    _edit(tiny, "words.py", "sum(1", "sum(0")
    assert cli.main(["run"]) == 1
    page = (tiny.runs / "latest" / "index.html").read_text(encoding="utf-8")
    for text in (capsys.readouterr().err, page):
        assert "count: src/words.py: letters() changed" in text


def test_without_a_good_run_there_is_nothing_to_compare(tiny: Layout) -> None:
    write(tiny, "data/text.txt", "123")
    assert _run(tiny)["since_last_good"] is None
