"""A notebook that hands on another output than the use case does; one that may."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operation.engine.configuration import Configuration, Step
from operation.engine.notebooks.wiring import wiring_problems

INPUTS = {
    "prepare": {"table": "data.csv"},
    "train": {"training": "prepare.training"},
    "forest": {"training": "prepare.training"},
    "calibrate": {"uncalibrated": "train.model"},
    "evaluate": {"model": "calibrate.model", "holdout": "prepare.holdout"},
    "register": {"model": "calibrate.model", "report": "evaluate.report"},
    "batch_score": {"model": "calibrate.model", "table": "prepare.holdout"},
}
STEPS = {name: Step(name, Path(f"{name}.py"), inputs, {}) for name, inputs in INPUTS.items()}
CONFIGURED = Configuration("DEV", {}, "tiny", "", (), STEPS, "")
EVALUATE = "core.evaluate(model=...)"
READS = "is given train.model, but step 'evaluate' of the use case 'tiny' reads calibrate.model."
SERVES = "is given train.model, but step 'register' of the use case 'tiny' reads calibrate.model."


def problems(folder: Path, *cells: str) -> list[tuple[int, str]]:
    sources = ["import core", *cells]
    document = {
        "cells": [
            {"cell_type": "code", "metadata": {}, "source": text.splitlines(keepends=True)}
            for text in sources
        ]
    }
    path = folder / "n.ipynb"
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return [(problem.line, problem.message) for problem in wiring_problems(path, "n.ipynb", CONFIGURED)]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (
            "core.evaluate(model=core.train().model)",
            f"{EVALUATE} {READS} Leave model= out.",
        ),
        (
            "core.evaluate(model=core.train(depth=3).model)",
            f"{EVALUATE} {READS} Replace it by using=core.train(...).",
        ),
        (
            "core.evaluate(model=core.forest().model)",
            f"{EVALUATE} {READS.replace('train', 'forest')} Leave model= out, or to compare, "
            "replace it by using={'calibrate': core.forest()}.",
        ),
        ("core.serve(core.train().model)", f"core.serve(...) {SERVES} Serve core.register.input('model')."),
        (
            "core.serve(model=core.train(depth=3).model)",
            f"core.serve(model=...) {SERVES} Serve core.register.input('model', using=core.train(...)).",
        ),
        (
            "core.register(report=core.prepare().holdout)",
            "core.register(report=...) is given prepare.holdout, but step 'register' of the use case 'tiny' "
            "reads evaluate.report. Leave report= out.",
        ),
    ],
)
def test_what_goes_past_a_step_is_named_with_its_fix(tmp_path: Path, cell: str, message: str) -> None:
    assert [text for _, text in problems(tmp_path, cell)] == [message]


@pytest.mark.parametrize(
    "cells",
    [
        ["t = core.train(depth=3)", "core.evaluate(model=t.model)"],
        ["t = core.train(depth=3)\nm = t.model\ncore.evaluate(model=m)"],
        ["t: object = core.train(depth=3)\ncore.evaluate(model=str(t.model.path))"],
        ["if x:\n    t = core.train(depth=3)\nelse:\n    t = core.calibrate()\ncore.evaluate(model=t.model)"],
        ["t, p = core.train(depth=3), core.prepare()\ncore.evaluate(model=t.model, holdout=p.holdout)"],
        ["ts = [core.train(depth=d) for d in (1, 2)]\n[core.evaluate(model=t.model) for t in ts]"],
        ["ts = {}\nts['a'] = core.train(depth=3)\nfor n, t in ts.items():\n    core.evaluate(model=t.model)"],
        ["ts = []\nts.append(core.train(depth=3))\nfor _, t in enumerate(ts): core.evaluate(model=t.model)"],
        ["core.evaluate(model=path or (t := core.train(depth=3)).model)"],
        ["import core as c\nfrom core import train\nc.evaluate(model=train(depth=3).model)"],
        ["%time t = core.train(depth=3)", "!ls\ncore.evaluate(model=t.model)", "x = !ls"],
        ["%%time\nfit = core.train\ncore.evaluate(slices=[], model=fit(depth=3).model)"],
        ["print(core.evaluate(model=core.train(depth=3).model).metrics)"],
    ],
)
def test_it_is_found_however_it_is_written(tmp_path: Path, cells: list[str]) -> None:
    ((_, message),) = problems(tmp_path, *cells)
    assert message.startswith(f"{EVALUATE} {READS} Replace it by using=")


@pytest.mark.parametrize(
    "cell",
    [
        "core.evaluate(using=core.train(depth=3))",
        "core.evaluate(model=core.calibrate(strength=2).model)",
        "core.evaluate(using={'calibrate': core.forest()})",
        "core.serve(core.register.input('model', using=core.train(depth=3)))",
        "core.calibrate(uncalibrated=core.train(depth=3).model)",
        "core.evaluate(holdout=core.prepare().training)",  # another output of the same step
        "core.batch_score(table=core.batch_score().scores)",  # of another kind, from no step before
        "core.prepare(table=core.train().model)",  # the use case has a file there
        "t = core.train()\nt = core.calibrate()\ncore.evaluate(model=t.model)",
        "other.evaluate(model=core.train().model)",
        "core.plots.curves(model=core.train().model)",
        "core.evaluate(**options)",
    ],
)
def test_what_is_meant_is_left_alone(tmp_path: Path, cell: str) -> None:
    assert problems(tmp_path, cell) == []


def test_the_line_is_that_of_the_file(tmp_path: Path) -> None:
    ((line, _),) = problems(tmp_path, "x = 1", "\n# here:\ncore.serve(core.train().model)")
    text = (tmp_path / "n.ipynb").read_text(encoding="utf-8").splitlines()[line - 1]
    assert "core.serve(core.train().model)" in text
