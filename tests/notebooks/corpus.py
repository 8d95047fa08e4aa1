"""Ways to break the use case of the flights: what a person does to files, each of another kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PARSED = "    args = build_parser().parse_args(argv)\n"
NO_MEMORY = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (4 * 10**9, resource.getrlimit(resource.RLIMIT_AS)[1]))
bytearray(5 * 10**9)
"""
KILLED = "subprocess.run([sys.executable, '-c', 'import os; os.kill(os.getpid(), 9)'], check=True)"
SLOW = "subprocess.run([sys.executable, '-c', 'import time; time.sleep(9)'], timeout=0.3)"
GROUPS = "for name, rows in {'AA': [1], 'ZZ': []}.items():\n    sum(rows) / len(rows)"
MODEL = """
import shutil
from pathlib import Path
shutil.copytree(core.train().model, "../data/model", dirs_exist_ok=True)
file = Path("../data/model/model.pickle")
file.write_bytes(file.read_bytes()[:-1] + b"!")
"""


@dataclass(frozen=True)
class Failure:
    """One way to fail.

    Parameters
    ----------
    broken : callable
        Breaks the project in a folder.
    words : list of str
        What ``run`` is asked for.
    environment : dict of str to str
        Variables that are set when it runs, there alone.
    """

    broken: Callable[[Path], None]
    words: list[str]
    environment: dict[str, str] = field(default_factory=dict)


def edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    """Return a change of a file."""

    def change(root: Path) -> None:
        text = (root / name).read_text(encoding="utf-8")
        assert old in text, (name, old)
        (root / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def script(name: str, code: str) -> Callable[[Path], None]:
    """Return a change: `code` stands first in the ``main`` of a Core Script."""
    lines = "".join(f"    {line}\n" for line in code.strip().splitlines())
    return edit(f"src/{name}.py", PARSED, PARSED + lines)


def cell(notebook: str, *codes: str) -> Callable[[Path], None]:
    """Return a change: `codes` are the last cells of a notebook."""

    def change(root: Path) -> None:
        path = root / "notebooks" / f"{notebook}.ipynb"
        content = json.loads(path.read_text(encoding="utf-8"))
        last = next(one for one in reversed(content["cells"]) if one["cell_type"] == "code")
        content["cells"] += [{**last, "id": f"added-{i}", "source": code} for i, code in enumerate(codes)]
        path.write_text(json.dumps(content), encoding="utf-8")

    return change


def both(*changes: Callable[[Path], None]) -> Callable[[Path], None]:
    """Return all of the changes as one."""

    def change(root: Path) -> None:
        for one in changes:
            one(root)

    return change


def latin(root: Path) -> None:
    """Give the use case a table in another encoding."""
    (root / "data").mkdir()
    (root / "data" / "flights.csv").write_bytes("carrier,name\nAA,Caf\xe9\n".encode("latin-1"))


LATIN = both(
    latin,
    edit(
        "configuration/configuration-flights.yml",
        "    arguments:\n      sample: nycflights13",
        "    inputs: {data: data/flights.csv}\n    arguments:",
    ),
)
OLD_NUMPY = both(
    edit("requirements.lock", "numpy==2.3.2", "numpy==1.26.4"),
    script("evaluate", "import numpy\nnumpy.product([1])"),
)
EVALUATE, EXPLORE, SCORE = (
    ["--notebook", name] for name in ("04-evaluate-model", "01-explore-data", "05-score-batch")
)
FAILURES = {
    "bug in a script": Failure(script("evaluate", "{'a': 1}['b']"), EVALUATE),
    "bug in a cell": Failure(cell("04-evaluate-model", "total = 41", "total + undefined"), EVALUATE),
    "bug in a module that scripts import": Failure(
        edit("src/modelling/metrics.py", "\ndef baseline(", "\n1 / 0\n\n\ndef baseline("), EVALUATE
    ),
    "bad column": Failure(
        edit("configuration/configuration-flights.yml", "- departure_minute", "- minute_of_day"), []
    ),
    "missing file": Failure(cell("01-explore-data", "open('nowhere.csv')"), EXPLORE),
    "missing input": Failure(cell("01-explore-data", "core.validate(table='data/nowhere')"), EXPLORE),
    "wrong type of argument": Failure(
        cell("04-evaluate-model", "core.train(learning_rate='fast')"), EVALUATE
    ),
    "unknown argument": Failure(cell("04-evaluate-model", "core.train(learning_rte=0.1)"), EVALUATE),
    "package version": Failure(OLD_NUMPY, EVALUATE),
    "missing package": Failure(script("evaluate", "import no_such_package"), EVALUATE),
    "not UTF-8": Failure(LATIN, EXPLORE),
    "out of memory": Failure(script("evaluate", NO_MEMORY), EVALUATE),
    "kernel killed": Failure(script("evaluate", "import os\nos.kill(os.getpid(), 9)"), EVALUATE),
    "segmentation fault": Failure(script("evaluate", "import ctypes\nctypes.string_at(0)"), EVALUATE),
    "child killed": Failure(script("evaluate", f"import subprocess, sys\n{KILLED}"), EVALUATE),
    "time-out": Failure(script("evaluate", f"import subprocess, sys\n{SLOW}"), EVALUATE),
    "disk full": Failure(script("evaluate", "open('/dev/full', 'w').write('x' * 100000)"), EVALUATE),
    "division by zero on one group": Failure(script("evaluate", GROUPS), EVALUATE),
    "missing category": Failure(edit("configuration/schemas/flights.yml", "EWR", "EWX"), EXPLORE),
    "corrupt model": Failure(cell("05-score-batch", MODEL, "core.batch_score(model='data/model')"), SCORE),
    "unknown metric of the gate": Failure(
        edit("configuration/configuration-flights.yml", "roc_auc>=", "auc_roc>="), EVALUATE
    ),
    "empty holdout": Failure(
        lambda _: None, ["--notebook", "02-prepare-data"], {"HOLDOUTFROM": "2015-01-01"}
    ),
    "endless recursion": Failure(
        script("evaluate", "def again(n):\n    return again(n + 1)\nagain(0)"), EVALUATE
    ),
    "assertion": Failure(
        cell("04-evaluate-model", "assert core.evaluate().metrics['roc_auc'] > 0.99"), EVALUATE
    ),
    "exit of a script": Failure(script("evaluate", "import sys\nsys.exit(5)"), EVALUATE),
}
