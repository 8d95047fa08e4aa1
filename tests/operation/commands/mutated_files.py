"""A project whose notebooks read in every way, and the same cells in one plain process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.operation.engine.conftest import CHOICE

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


def prints(expressions: Mapping[str, str], suffix: str) -> Iterator[str]:
    for name, text in expressions.items():
        yield f"print({name!r}, {text.replace('FILE', repr(f'../data/{name}{suffix}'))})"


CELLS = (
    IMPORTS,
    *prints(READS, ".txt"),
    *prints(LISTS, ""),
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
    counted = core.count(factor=factor, skip=skip)
    shown(counted)
    shown(core.double(counted=counted.result))
    shown(core.note(counted=counted.result))
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
        return types.SimpleNamespace(metrics=json.load(file), result=f"{out}/{name}/result")

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
