"""What a measurement leaves: figures, plots and a page that asks for nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from operation.engine.benchmarks import figures, machine
from operation.engine.benchmarks.contender import Comparison, Contender, Measured, Place
from operation.engine.benchmarks.page import measured, write_benchmark
from operation.engine.benchmarks.plot import write_plots


@pytest.fixture
def record() -> dict[str, Any]:
    """The record of a comparison with a name that must be escaped."""
    every = [
        Contender(name, lambda _: [], f"what {name} leaves") for name in ("plain <script>", "workbench run")
    ]
    comparison = Comparison(
        "notebooks", "one notebook", every, lambda _: Place(Path(), Path()), ["A remark."]
    )
    found = {
        "plain <script>": [Measured(4.0, cpu=5.0), Measured(5.0, cpu=6.0)],
        "workbench run": [
            Measured(4.4, cpu=6.0, cells=3.0, kilobytes=220.0),
            Measured(5.5, cpu=7.0, cells=3.2),
        ],
    }
    begun = figures.begin("python3 -m operation bench notebooks", peers=True)
    begun |= {"commit": "0123456789abcdef", "dirty": True, "warm_up": True, "warning": machine.unquiet(99.0)}
    figures.add(begun, comparison, found)
    return begun


def test_the_page_says_figures_machine_and_remarks(record: dict[str, Any], tmp_path: Path) -> None:
    write_plots(tmp_path, record["comparisons"][0])
    text = write_benchmark(tmp_path, record).read_text(encoding="utf-8")
    for said in (
        '<th scope="row">workbench run</th><td>4.95 s</td><td>4.4 s to 5.5 s</td><td>1.10</td>',
        "plain &lt;script&gt;",
        "what workbench run leaves",
        "A remark.",
        "the machine is not quiet: load 99.00",
        record["machine"]["processor"],
        "0123456",
        "nbmake",
        "2 rounds. Ratios are of: plain &lt;script&gt;.",
    ):
        assert said in text
    assert 'src="data:image/png;base64,' in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "<script" not in text


def test_figures_can_be_read_again(record: dict[str, Any], tmp_path: Path) -> None:
    target = figures.write_figures(tmp_path / "figures.json", record)
    assert json.loads(target.read_text(encoding="utf-8")) == record
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"]
    (comparison,) = record["comparisons"]
    assert (comparison["reference"], comparison["rounds"]) == ("plain <script>", 2)
    assert record["peers"]["papermill"] == record["versions"]["papermill"]


def test_a_plot_is_there_for_pages_and_for_documents(record: dict[str, Any], tmp_path: Path) -> None:
    assert write_plots(tmp_path, record["comparisons"][0]).read_bytes().startswith(b"<?xml")
    assert (tmp_path / "notebooks.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("seconds", "said"), [(0.0413, "41.3 ms"), (0.9996, "1 s"), (12.34, "12.3 s")])
def test_times_have_three_digits(seconds: float, said: str) -> None:
    assert measured(seconds) == said


def test_only_a_busy_machine_is_warned_of() -> None:
    assert machine.unquiet(None) is None
    assert machine.unquiet(0.0) is None
    assert "measure again when nothing else runs" in (machine.unquiet(1000.0) or "")


def test_the_machine_is_described() -> None:
    found = machine.machine()
    assert found["processor"]
    assert found["cores"] >= 1
    assert machine.versions(["pytest", "not-installed"]).keys() == {"pytest"}
