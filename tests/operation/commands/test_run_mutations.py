"""``run`` and ``step`` after whatever can change: what they say and leave is what a plain process gives.

``WORKBENCH_RUN_MUTATIONS=1000`` asks for more mutations than the few by default; a failure names its own.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from operation import cli
from operation.engine import configuration
from operation.engine.foundation.errors import WorkbenchError
from operation.engine.foundation.layout import Layout
from operation.engine.identity.contract import read_contract
from operation.engine.runs.request import Request, prepare
from operation.engine.runs.reuse import unchanged
from tests.operation.engine.conftest import CHOICE, build, notebook, write
from tests.operation.engine.mutations import mutate_docstring, mutate_format, mutate_token

COUNT = int(os.environ.get("WORKBENCH_RUN_MUTATIONS", "0"))
NAME, CODE_NAME = "01-count-letters", "02-double-count"
BOOK = f"notebooks/{NAME}.ipynb"
LEDGER = "ledger.txt"

# Ways of reading, each of a file of its own in data/: the expression, in which it is FILE.
READS = {
    "open": "open(FILE).read()",
    "io.open": "io.open(FILE).read()",
    "codecs": "codecs.open(FILE).read()",
    "os.open": "os.read(os.open(FILE, os.O_RDONLY), 99).decode()",
    "fdopen": "os.fdopen(os.open(FILE, os.O_RDONLY)).read()",
    "read_text": "Path(FILE).read_text()",
    "read_bytes": "Path(FILE).read_bytes().decode()",
    "joined": "open(os.path.join(*FILE.split('/'))).read()",
    "mmap": "mmap.mmap(os.open(FILE, os.O_RDONLY), 0, access=mmap.ACCESS_READ)[:].decode()",
    "csv": "list(csv.reader(open(FILE)))",
    "fileinput": "list(fileinput.input(FILE))",
    "copied": "Path(shutil.copyfile(FILE, os.path.join(tempfile.mkdtemp(), 'copy'))).read_text()",
    "thread": "pool.ThreadPool(1).map(lambda name: open(name).read(), [FILE])",
    "exists": "os.path.exists(FILE)",
    "is_file": "Path(FILE).is_file()",
    "size": "os.path.getsize(FILE)",
    "stat": "Path(FILE).stat().st_size",
    "access": "os.access(FILE, os.R_OK)",
}
# Ways of reading code, which let formatting count: in a notebook of their own.
CODE_READS = {
    "linecache": "linecache.getline(FILE, 1)",
    "exec": "exec(compile(open(FILE).read(), FILE, 'exec'))",
    "runpy": "sorted(set(runpy.run_path(FILE)) - {'__builtins__'})",
    "spec": "loaded(FILE)",
}
# Ways of reading a folder of its own.
LISTS = {
    "listdir": "sorted(os.listdir(FILE))",
    "scandir": "sorted(entry.name for entry in os.scandir(FILE))",
    "walk": "[sorted(names) for _, _, names in os.walk(FILE)]",
    "iterdir": "sorted(path.name for path in Path(FILE).iterdir())",
    "rglob": "sorted(path.name for path in Path(FILE).rglob('*'))",
    "glob": "sorted(glob.glob(FILE + '/*'))",
}
IMPORTS = """
import codecs, csv, fileinput, glob, io, json, mmap, os, shutil, sqlite3, sys, tempfile
from multiprocessing import pool
from pathlib import Path

import core, helper
core.use(use_case, environment)
"""
CODE_IMPORTS = """
import importlib.machinery, importlib.util, linecache, runpy
import helper
loaded = lambda name: helper.loaded(importlib.util, importlib.machinery, name)
"""


def _prints(expressions: Mapping[str, str], suffix: str) -> Iterator[str]:
    for name, text in expressions.items():
        yield f"print({name!r}, {text.replace('FILE', repr(f'../data/{name}{suffix}'))})"


CELLS = (
    IMPORTS,
    *_prints(READS, ".txt"),
    *_prints(LISTS, ""),
    """
    print(sqlite3.connect("../data/rows.db").execute("select * from sqlite_master").fetchall())
    print(open("../data/linked.txt").read())
    try:
        print(open("../data/missing.txt").read())
    except FileNotFoundError:
        print("missing")
    """,
    """
    sys.path.insert(0, "../tools")
    import tool
    print(tool.value())
    """,
    'print(os.environ.get("OWN_SETTING"), os.getenv("OTHER_SETTING", "none"))',
    "print(helper.add(1, 2), factor, skip, table and open(f'../{table}').read())",
    """
    def shown(result):
        '''Show metrics.'''
        print(json.dumps(result.metrics))
    shown(core.count(factor=factor, skip=skip))
    shown(core.double())
    shown(core.note())
    """,
)
WORDS = '''
"""Letters of a text."""
import io
from pathlib import Path
def letters(text, skip):
    """Count them."""
    extra = io.open(Path("data") / "extra.txt").read()
    beside = Path(__file__).with_name("beside.txt").read_text()
    return sum(1 for one in text + extra + beside if one.isalpha() and one not in skip)
'''
NOTE = '''
"""Note a count in a ledger, which is outside its outputs."""
import argparse
import json
from pathlib import Path

from utils import input_path, output_path


def build_parser():
    parser = argparse.ArgumentParser(description="Note a count")
    parser.add_argument("--counted", type=input_path, required=True)
    parser.add_argument("--ledger", required=True)
    parser.add_argument("--result", type=output_path, required=True)
    parser.set_defaults(effects_stand=effects_stand)
    return parser


def count(args):
    return json.loads((Path(args.counted) / "metrics.json").read_text())["letters"]


def effects_stand(args):
    return Path(args.ledger).read_text() == str(count(args))


def main(argv=None):
    args = build_parser().parse_args(argv)
    Path(args.ledger).write_text(str(count(args)))
    Path(args.result).mkdir()
    (Path(args.result) / "metrics.json").write_text(json.dumps({"noted": count(args)}))


if __name__ == "__main__":
    main()
'''
HELPER = '''
"""Help."""


def add(a, b):
    """Add."""
    return a + b


def loaded(util, machinery, name):
    """Load a module by its path."""
    spec = util.spec_from_loader("specified", machinery.SourceFileLoader("specified", name))
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return sorted(set(vars(module)) - {"__builtins__", "__cached__"})
'''
USE_CASE = f"""
    description: How many letters?
    notebooks:
      - name: {NAME}
      - name: {CODE_NAME}
    steps:
      count:
        inputs: {{text: data/text.txt}}
        arguments: {{factor: $(FACTOR)}}
      double:
        inputs: {{counted: count.result}}
      note:
        inputs: {{counted: count.result}}
        arguments: {{ledger: {LEDGER}}}
"""
FILES = {
    **{f"data/{name}.txt": "x = 1\n" for name in (*READS, *CODE_READS)},
    **{f"data/{name}/a.txt": "a\n" for name in LISTS},
    "src/words.py": WORDS,
    "src/beside.txt": "x",
    "src/note.py": NOTE,
    "src/unused.py": "x = 1\n",
    "notebooks/helper.py": HELPER,
    "tools/tool.py": "def value():\n    return 7\n",
    "data/extra.txt": "yz",
    "data/named.csv": "a\n1\n",
    "data/other.csv": "a\n2\n",
    "data/target.txt": "t",
    "environment.yml": "name: tiny\n",
    "configuration/configuration-tiny.yml": USE_CASE,
}
PARAMETERS = (
    CHOICE
    + """
    factor: float | None = None  # multiplies the count
    skip: list[str] | None = None  # letters
    table: str | None = None  # a file
"""
)
# The notebook's cells in one plain process, with scripts called as a user would: nothing of the workbench.
PLAIN = """
import json, os, runpy, sys, types
notebooks, steps, root, out = json.load(sys.stdin)
sys.path.insert(0, "")

def path(value):
    return f"{out}/{value.replace('.', '/')}" if value.split(".")[0] in steps else f"{root}/{value}"

def call(name, values):
    step = steps[name]
    words = [*step["words"], *(f"--{key}={path(value)}" for key, value in step["inputs"].items())]
    for key, value in values.items():
        many = isinstance(value, list)
        words += ["--" + key, *value] if many else [f"--{key}={value}"] * (value is not None)
    sys.argv = [step["script"], *words, f"--result={out}/{name}/result"]
    before, places = os.getcwd(), list(sys.path)
    os.makedirs(f"{out}/{name}")
    os.chdir(root)
    sys.path.insert(0, root + "/src")
    try:
        runpy.run_path(step["script"], run_name="__main__")
    finally:
        os.chdir(before)
        sys.path[:] = places
    with open(f"{out}/{name}/result/metrics.json") as file:
        return types.SimpleNamespace(metrics=json.load(file))

core = sys.modules["core"] = types.ModuleType("core")
core.use = lambda *_: None
for name in steps:
    setattr(core, name, lambda name=name, **values: call(name, values))
for (first, *cells), parameters in notebooks:
    space = {"__name__": "__main__"}
    exec(first, space)
    space.update(parameters)
    for cell in cells:
        exec(cell, space)
"""


@dataclass(frozen=True)
class Change:
    """What differs when the command is given again, beside files."""

    words: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


Mutation = Callable[[Layout, random.Random], "Change | None"]


def _edit(name: str, change: Callable[[str, random.Random], str]) -> Mutation:
    def mutation(layout: Layout, rng: random.Random) -> None:
        path = layout.root / name
        path.write_bytes(change(path.read_text(encoding="utf-8"), rng).encode())

    return mutation


def _append(name: str) -> Mutation:
    return _edit(name, lambda text, rng: f"{text}x{rng.randint(1, 10**6)} = 1\n")


def _remove(name: str) -> Mutation:
    return lambda layout, _: (layout.root / name).unlink()


def _add(name: str, text: str = "x = 1\n") -> Mutation:
    def mutation(layout: Layout, _: random.Random) -> None:
        write(layout, name, text)

    return mutation


def _swap(name: str) -> Mutation:
    """Return other content of the same size, written at the same time as far as the file says."""

    def mutation(layout: Layout, rng: random.Random) -> None:
        path = layout.root / name
        before = path.stat()
        path.write_text(f"{rng.choice('abcuvw')} = {rng.randint(2, 9)}\n"[: before.st_size])
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    return mutation


def _link(name: str, target: str) -> Mutation:
    def mutation(layout: Layout, _: random.Random) -> None:
        (layout.root / name).unlink()
        (layout.root / name).symlink_to(layout.root / target)

    return mutation


def _rename(old: str, new: str, *uses: tuple[str, str, str]) -> Mutation:
    """Return a rename of a file, and in other files of the words that name it."""

    def mutation(layout: Layout, _: random.Random) -> None:
        (layout.root / old).rename(layout.root / new)
        for file, before, after in uses:
            path = layout.root / file
            path.write_text(path.read_text().replace(before, after))

    return mutation


def _exchange(one: str, other: str) -> Mutation:
    def mutation(layout: Layout, _: random.Random) -> None:
        first, second = layout.root / one, layout.root / other
        content = first.read_bytes()
        first.write_bytes(second.read_bytes())
        second.write_bytes(content)

    return mutation


def _cell(change: Callable[[str, random.Random], str]) -> Mutation:
    """Return a change of one code cell behind the imports."""

    def mutation(layout: Layout, rng: random.Random) -> None:
        path = layout.root / BOOK
        document = json.loads(path.read_text())
        cell = rng.choice(document["cells"][3:])
        cell["source"] = change(cell["source"], rng)
        path.write_text(json.dumps(document))

    return mutation


def _given(*words: str, **variables: str) -> Mutation:
    return lambda *_: Change(words, variables)


def _named_file(layout: Layout, rng: random.Random) -> Change:
    (layout.root / "data" / "named.csv").write_text(f"a\n{rng.randint(2, 10**6)}\n")
    return Change(("--notebook", NAME, "-p", "table=data/named.csv"))


def _rows(layout: Layout, _: random.Random) -> None:
    with contextlib.closing(sqlite3.connect(layout.root / "data" / "rows.db")) as connection:
        connection.execute("create table added (x int)")
        connection.commit()


def _damage(pattern: str, *, remove: bool = False) -> Mutation:
    """Return a change of what a run left."""

    def mutation(layout: Layout, rng: random.Random) -> None:
        paths = sorted(layout.runs.glob(pattern))
        path = paths[0] if pattern.startswith("2") else rng.choice(paths)  # of the first run
        if remove:
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:-1])

    return mutation


def _touch(layout: Layout, rng: random.Random) -> None:
    """Write a file again as it is, and set the time of another."""
    files = [path for name in FILES if (path := layout.root / name).is_file()]
    path = rng.choice(files)
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    rng.choice(files).touch()


CODE = ("src/words.py", "src/count.py", "src/double.py", "src/note.py", "notebooks/helper.py")
OF_STEPS = {
    **{f"token of {name}": _edit(name, mutate_token) for name in CODE if name.startswith("src")},
    "default": _edit("src/count.py", lambda text, rng: mutate_token(text, rng, within="default=1.0")),
    "text": _edit("data/text.txt", lambda text, rng: text + rng.choice(["a", "bc", " ", "1"])),
    "text swapped": _edit("data/text.txt", lambda _, rng: f"ab{rng.choice('cx1')}{rng.choice('d 2')}de"),
    "file that a module opens": _append("data/extra.txt"),
    "file beside a module": _append("src/beside.txt"),
    "variable of the environment": _edit(
        "configuration/configuration-DEV.yml",
        lambda text, rng: text.replace("FACTOR: 1", f"FACTOR: {rng.choice([2, 0.5, -1, 1e3])}"),
    ),
    "variable of the system": lambda _, rng: Change((), {"FACTOR": str(rng.choice([2, 3.5, -4]))}),
    "argument": _edit(
        "configuration/configuration-tiny.yml",
        lambda text, rng: text.replace("{factor:", f"{{skip: [{rng.choice('abcyq')}], factor:"),
    ),
    "package": _edit("requirements.lock", lambda _, rng: f"one==1.{rng.randint(1, 10**6)}\n"),
    "module renamed": _rename(
        "src/words.py", "src/letters.py", ("src/count.py", "from words", "from letters")
    ),
    "input renamed": _rename(
        "data/text.txt", "data/t.md", ("configuration/configuration-tiny.yml", "data/text.txt", "data/t.md")
    ),
    "module in front of another": _add("src/json.py"),
    "output damaged": _damage("store/*/result/metrics.json"),
    "output removed": _damage("store/*/result/metrics.json", remove=True),
    "step's manifest removed": _damage("store/*/manifest.json", remove=True),
    "effect undone": _remove(LEDGER),
    "effect changed": _edit(LEDGER, lambda text, rng: f"{text}{rng.randint(0, 9)}"),
}
STALE: dict[str, Mutation] = {
    **OF_STEPS,
    **{f"{name}: edited": _append(f"data/{name}.txt") for name in (*READS, *CODE_READS)},
    **{f"{name}: removed": _remove(f"data/{name}.txt") for name in (*READS, *CODE_READS)},
    **{f"{name}: swapped": _swap(f"data/{name}.txt") for name in (*READS, *CODE_READS)},
    **{
        f"{name}: a link elsewhere": _link(f"data/{name}.txt", "data/other.csv")
        for name in (*READS, *CODE_READS)
    },
    **{f"{name}: one more": _add(f"data/{name}/b.txt") for name in LISTS},
    **{f"{name}: renamed": _rename(f"data/{name}/a.txt", f"data/{name}/c.txt") for name in LISTS},
    "two files exchanged": _exchange("data/target.txt", "data/extra.txt"),
    "target of a link": _append("data/target.txt"),
    "link": _link("data/linked.txt", "data/other.csv"),
    "file that was missing": _add("data/missing.txt"),
    "database": _rows,
    "token of a cell": _cell(mutate_token),
    "token beside the notebook": _edit("notebooks/helper.py", mutate_token),
    "token of a tool": _edit("tools/tool.py", mutate_token),
    "tool's constant": _edit("tools/tool.py", lambda text, rng: text.replace("7", str(rng.randint(1, 6)))),
    "module beside the notebook in front of another": _add("notebooks/csv.py"),
    "variable that a cell reads": lambda _, rng: Change((), {"OWN_SETTING": str(rng.random())}),
    "variable with a default": lambda _, rng: Change((), {"OTHER_SETTING": str(rng.random())}),
    "parameter": lambda _, rng: Change(("-p", f"factor={rng.choice([2, 3, 0.5, -1])}")),
    "list parameter": lambda _, rng: Change(("-p", f"skip=[{rng.choice('abcdeyz')}]")),
    "file that a parameter names": _named_file,
    "another file for a parameter": _given("--notebook", NAME, "-p", "table=data/other.csv"),
    "default of a parameter": _edit(
        BOOK,
        lambda text, rng: text.replace(
            "factor: float | None = None", f"factor: float | None = {rng.randint(2, 9)}"
        ),
    ),
    "parameter in the use case": _edit(
        "configuration/configuration-tiny.yml",
        lambda text, rng: text.replace(
            f"{NAME}\n", f"{NAME}\n    parameters: {{factor: {rng.randint(2, 9)}}}\n", 1
        ),
    ),
    "notebook renamed": _rename(
        BOOK, "notebooks/00-renamed.ipynb", ("configuration/configuration-tiny.yml", NAME, "00-renamed")
    ),
    "executed notebook damaged": _damage(f"2*/notebooks/{NAME}.ipynb"),
    "executed notebook removed": _damage(f"2*/notebooks/{NAME}.ipynb", remove=True),
    "report removed": _damage(f"2*/{NAME}.html", remove=True),
}
NEEDLESS: dict[str, Mutation] = {
    **{f"format of {name}": _edit(name, mutate_format) for name in CODE},
    **{f"docstring of {name}": _edit(name, mutate_docstring) for name in CODE},
    "format of a cell": _cell(mutate_format),
    "docstring of a cell": _edit(
        BOOK, lambda text, rng: text.replace("Show metrics.", f"Say {rng.random()}.")
    ),
    "comment of the environment": _edit(
        "configuration/configuration-DEV.yml", lambda text, rng: f"{text}# {rng.random()}\n"
    ),
    "comment of the use case": _edit(
        "configuration/configuration-tiny.yml", lambda text, rng: f"{text}\n# {rng.random()}\n"
    ),
    "comment of the lock": _edit(
        "requirements.lock", lambda text, rng: f"{text.strip()}  # {rng.random()}\n"
    ),
    "environment.yml": _append("environment.yml"),
    "written again, touched": _touch,
    "file that nothing opened": _add("data/unread.csv"),
    "module that nothing imports": _edit("src/unused.py", lambda _, rng: f"x = {rng.random()}\n"),
    "new script": _add("src/another.py"),
    "other use case": _add("configuration/configuration-other.yml", USE_CASE),
    "other environment": _add("configuration/configuration-TEST.yml", "variables:\n  ENVIRONMENT: TEST\n"),
    "other notebook": _edit(
        "notebooks/02-double-count.ipynb", lambda text, rng: text.replace("spec", f"spec{rng.randint(1, 9)}")
    ),
    "new notebook": _add("notebooks/30-new.ipynb", json.dumps(notebook(CHOICE, "1"))),
    "picture": _add("notebooks/report.png", "x"),
    "README": _add("README.md"),
    "hidden file in a folder that is listed": _add("data/iterdir/.DS_Store"),
    "variable that nothing reads": lambda _, rng: Change((), {"UNREAD_SETTING": str(rng.random())}),
    "mode of a file": lambda layout, _: (layout.root / "data" / "open.txt").chmod(0o640),
}


@dataclass(frozen=True)
class Answer:
    """What one command, or a plain process, came to."""

    output: str | None  # None: it failed
    ledger: str | None
    metrics: dict[str, str]  # step -> text of its metrics
    how: str = ""


class Mutated:
    """The project after two runs of it, to be changed and restored."""

    def __init__(self, layout: Layout, scratch: Path) -> None:
        self.layout, self.scratch = layout, scratch
        for name, text in FILES.items():
            write(layout, name, text)
        (layout.root / "data" / "rows.db").touch()
        (layout.root / "data" / "linked.txt").symlink_to(layout.root / "data" / "target.txt")
        write(layout, BOOK, json.dumps(notebook(PARAMETERS, *CELLS)))
        code = notebook(CHOICE, CODE_IMPORTS, *_prints(CODE_READS, ".txt"))
        write(layout, f"notebooks/{CODE_NAME}.ipynb", json.dumps(code))
        for words in ((), ("--notebook", NAME, "-p", "table=data/named.csv")):
            answer = self.run(Change(words))
            assert answer.output == self.plainly(Change(words)).output is not None, answer.how
            assert self.run(Change(words)).how == "reused"
        self.files = {path: path.read_bytes() for path in self._files()}
        self.links = {path: path.readlink() for path in self.files if path.is_symlink()}
        self.runs = set(layout.runs.glob("2*"))

    def _files(self) -> Iterator[Path]:
        folders = ("src", "notebooks", "tools", "data", "configuration", "runs")
        found = [path for folder in folders for path in (self.layout.root / folder).rglob("*")]
        found += [
            self.layout.root / name for name in ("requirements.lock", "environment.yml", LEDGER, "README.md")
        ]
        kept = ("digests.db", ".pyc", ".db.lock", "mlflow.db")
        return (path for path in found if path.is_file() and not path.name.endswith(kept))

    def restore(self) -> None:
        """Undo a mutation; outputs that were stored since stay, as they do in a checkout."""
        for run in set(self.layout.runs.glob("2*")) - self.runs:
            shutil.rmtree(run)
        for path in set(self._files()) - self.files.keys():
            if not path.is_relative_to(self.layout.store):
                path.unlink()
        for path, content in self.files.items():
            is_link = path in self.links
            if path.is_symlink() != is_link or (is_link and path.readlink() != self.links[path]):
                path.unlink()
                if is_link:
                    path.symlink_to(self.links[path])
            if not path.is_file() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        (self.layout.root / "data" / "open.txt").chmod(0o644)

    def plainly(self, change: Change) -> Answer:
        """Execute the notebook's cells in a process that knows nothing of the workbench; leave no effect."""
        ledger = self._ledger()
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir()
        with _variables(change.variables):
            question = self._question(change)
            done = subprocess.run(
                [sys.executable, "-S", "-B", "-c", PLAIN],
                input=json.dumps(question),
                cwd=self.layout.notebooks,
                capture_output=True,
                encoding="utf-8",
                check=False,
                timeout=600,
            )
        metrics = {path.parts[-3]: path.read_text() for path in self.scratch.glob("*/result/metrics.json")}
        answer = Answer(None if done.returncode else done.stdout, self._ledger(), metrics, done.stderr[-300:])
        self._put_ledger(ledger)
        return answer

    def _question(self, change: Change) -> list[Any]:
        configured = configuration.load(layout=self.layout)
        steps = {
            name: {
                "script": str(step.script),
                "words": read_contract(step.script).argv(step.arguments),
                "inputs": step.inputs,
            }
            for name, step in configured.steps.items()
        }
        prepared = prepare(self.layout, _request(change))
        notebooks = [
            (_cells(prepared.sources[entry.name]), prepared.parameters(entry.name))
            for entry in prepared.notebooks
        ]
        return [notebooks, steps, str(self.layout.root), str(self.scratch)]

    def _ledger(self) -> str | None:
        path = self.layout.root / LEDGER
        return path.read_text() if path.is_file() else None

    def _put_ledger(self, text: str | None) -> None:
        (self.layout.root / LEDGER).unlink(missing_ok=True)
        if text is not None:
            (self.layout.root / LEDGER).write_text(text)

    def answers(self, change: Change) -> bool:
        """Tell whether an earlier run is the answer; nothing is executed."""
        with _variables(change.variables), contextlib.suppress(WorkbenchError):
            prepared = prepare(self.layout, _request(change))
            return unchanged(self.layout, prepared) is not None
        return False

    def run(self, change: Change) -> Answer:
        """Give the command ``run``."""
        code, said = _command(["run", *change.words], change)
        how = "reused" if "nothing to do" in said else "executed"
        if code:
            return Answer(None, self._ledger(), {}, f"{how} {code}: {said[-500:]}")
        folder = self.layout.root / said.rpartition("report: ")[2].partition("/index.html")[0]
        entries = json.loads((folder / "manifest.json").read_text())["notebooks"]
        how = "reused" if how == "reused" or all("reused_from" in entry for entry in entries) else how
        executed = [json.loads((folder / entry["notebook"]).read_text()) for entry in entries]
        cells = [cell for document in executed for cell in document["cells"]]
        outputs = [output for cell in cells for output in cell.get("outputs", ())]
        texts = ["".join(output["text"]) for output in outputs if output.get("name") == "stdout"]
        return Answer("".join(texts), self._ledger(), {}, how)

    def step(self, name: str, change: Change) -> Answer:
        """Give the command ``step``."""
        code, said = _command(["step", name], change)
        if code:
            return Answer(None, self._ledger(), {}, f"{code}: {said[-500:]}")
        how = "reused" if f"{name} reused in" in said else "executed"
        folder = said.partition("  result: ")[2].partition("\n")[0]
        text = (self.layout.root / folder / "metrics.json").read_text()
        return Answer("", self._ledger(), {name: text}, how)


def _cells(path: Path) -> list[str]:
    return [cell["source"] for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def _request(change: Change) -> Request:
    """Return what `run` is asked for with these words."""
    names = [word for word in change.words if word == NAME]
    return Request(notebooks=names, given=[word for word in change.words if "=" in word])


def _command(words: list[str], change: Change) -> tuple[int, str]:
    said = io.StringIO()
    with _variables(change.variables), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = cli.main(words)
    return code, said.getvalue()


@contextlib.contextmanager
def _variables(variables: Mapping[str, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def mutated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mutated]:
    folder = tmp_path_factory.mktemp("mutated")
    with pytest.MonkeyPatch.context() as patch:
        yield Mutated(build(folder / "project", patch), folder / "plain")


def _each(
    mutated: Mutated, kinds: Mapping[str, Mutation], number: int, check: Callable[[str, str, Change], None]
) -> None:
    """Apply `number` mutations, kind by kind, each to the project as it was."""
    for index in range(number):
        kind = list(kinds)[index % len(kinds)]
        try:
            change = kinds[kind](mutated.layout, random.Random(index)) or Change()
            check(kind, f"{index}: {kind}", change)
        finally:
            mutated.restore()
    assert mutated.answers(Change())


def _truth(mutated: Mutated, change: Change) -> Answer:
    try:
        return mutated.plainly(change)
    except WorkbenchError as error:  # the configuration is wrong by now: nothing plain to compare with
        return Answer(None, None, {}, str(error))


def test_nothing_that_changed_is_taken_for_unchanged(
    mutated: Mutated, record_property: Callable[[str, object], None]
) -> None:
    """By default by the answer alone; where more are asked for, by what the command does."""
    wrong = list[str]()

    def check(kind: str, name: str, change: Change) -> None:
        if mutated.answers(change):
            wrong.append(name)

    _each(mutated, STALE, len(STALE), check)
    assert not wrong, "\n".join(wrong)


@pytest.mark.skipif(not COUNT, reason="asked for by WORKBENCH_RUN_MUTATIONS")
@pytest.mark.parametrize("door", ["step", "run"])
def test_whatever_changes_the_commands_give_what_a_plain_process_gives(mutated: Mutated, door: str) -> None:
    before, kinds = mutated.plainly(Change()), dict(OF_STEPS if door == "step" else STALE)
    if door == "step":  # `note`, which does not need it
        del kinds["token of src/double.py"]
    counts, stale = {name: Counter[str]() for name in kinds}, list[str]()

    def check(kind: str, name: str, change: Change) -> None:
        truth = _truth(mutated, change)
        answer = mutated.run(change) if door == "run" else mutated.step("note", change)
        was, is_, given = (
            one.output if door == "run" else one.metrics.get("note") for one in (before, truth, answer)
        )
        is_wrong = given is not None and (given, answer.ledger) != (is_, truth.ledger)
        result = "needless" if is_ == was and answer.how == "executed" else answer.how
        counts[kind]["stale" if is_wrong else "failed" if given is None else result] += 1
        if is_wrong:
            stale.append(f"{name}: {answer.how}: {given!r} is not {is_!r} ({truth.how})")
            print(stale[-1], flush=True)

    _each(mutated, kinds, COUNT * (45 if door == "step" else 20) // 100, check)
    print(door, json.dumps(counts))
    assert not stale, "\n".join(stale)


def test_no_comment_docstring_format_or_file_beside_is_worth_an_execution(mutated: Mutated) -> None:
    counts = {name: Counter[str]() for name in NEEDLESS}

    def check(kind: str, name: str, change: Change) -> None:
        answer = mutated.run(Change(("--notebook", NAME), change.variables))
        counts[kind]["right" if answer.how == "reused" else f"needless {name}: {answer.how}"] += 1

    _each(mutated, NEEDLESS, max(len(NEEDLESS), COUNT * 35 // 100), check)
    print(json.dumps(counts))
    assert {kind: one for kind, one in counts.items() if set(one) != {"right"}} == {}
