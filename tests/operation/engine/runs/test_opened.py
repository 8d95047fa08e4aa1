"""What changes behind a notebook's back: files that it or its steps opened, by every way of opening them."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from operation.engine.foundation.errors import WorkbenchError
from operation.engine.foundation.layout import Layout
from operation.engine.runs.request import Request, prepare
from operation.engine.runs.reuse import unchanged
from operation.engine.runs.run import start
from tests.operation.engine.conftest import CHOICE, build, notebook, write
from tests.operation.engine.mutations import mutate_docstring, mutate_format, mutate_token
from tests.operation.engine.runs.conftest import add, edit

COUNT = int(os.environ.get("WORKBENCH_MUTATIONS", "60"))
READER = """
import core, helper
core.use(use_case, environment)
counted = core.count()
"""
CELLS = """
import os, runpy, sqlite3
from pathlib import Path
def table():
    '''Read a table.'''
    with open("../data/opened.csv") as file:
        return file.read()
table(), Path("../data/read_text.csv").read_text(), os.listdir("../data/listed")
with os.fdopen(os.open("../data/descriptor.csv", os.O_RDONLY)) as file:
    file.read()
runpy.run_path("../tools/run.py")
sqlite3.connect("../data/rows.db").execute("select 1").fetchall()
try:
    open("../data/missing.csv")
except FileNotFoundError:
    pass
"""
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
FILES = {
    "src/words.py": WORDS,
    "src/beside.txt": "x",
    "notebooks/helper.py": '"""Help."""\n\ndef add(a, b):\n    """Add."""\n    return a + b\n',
    "tools/run.py": "x = 1\n",
    "data/extra.txt": "yz",
    "data/named.csv": "a\n1\n",
    "data/listed/a.csv": "a\n",
    **{f"data/{name}.csv": "a\n1\n" for name in ("opened", "read_text", "descriptor")},
}
READ = [
    "src/words.py",
    "src/beside.txt",
    "notebooks/helper.py",
    "tools/run.py",
    "data/extra.txt",
    "data/text.txt",
]
READ += ["data/named.csv", *(f"data/{name}.csv" for name in ("opened", "read_text", "descriptor"))]


Read = tuple[Layout, Request, Path]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    """A project whose notebook reads much that no argument names, run once; and the run."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        layout = build(tmp_path_factory.mktemp("read"), monkeypatch)
        for name, text in FILES.items():
            write(layout, name, text)
        (layout.root / "data" / "rows.db").touch()
        parameters = CHOICE + "    table: str | None = None  # a table\n"
        document = notebook(parameters, READER, CELLS)
        (layout.notebooks / "01-count-letters.ipynb").write_text(json.dumps(document))
        request = Request(notebooks=["01-count-letters"], given=["table=data/named.csv"])
        record = start(layout, prepare(layout, request), lambda *_: None)
        assert record.status == "succeeded"
        yield layout, request, record.folder.path


def _answer(read: Read) -> Path | None:
    """Return the run that answers the request; None where it is wrong by now, or something is to be done."""
    layout, request, _ = read
    try:
        return unchanged(layout, prepare(layout, request))
    except WorkbenchError:
        return None


def _each(
    read: Read, kinds: dict[str, Callable[[Layout, random.Random], None]], number: int, same: bool
) -> Counter[str]:
    """Apply `number` mutations, each to the untouched project; the run must be the answer, or must not."""
    layout, _, run = read
    counts = Counter[str]()
    folders = ("src", "notebooks", "tools", "data", "configuration")
    files = {
        one: one.read_bytes()
        for folder in folders
        for one in (layout.root / folder).rglob("*")
        if one.is_file()
    }
    assert _answer(read) == run
    for index in range(number):
        kind = list(kinds)[index % len(kinds)]
        kinds[kind](layout, random.Random(index))
        assert (_answer(read) == run) is same, f"{index}: {kind}"
        counts[kind] += 1
        present = {one for folder in folders for one in (layout.root / folder).rglob("*") if one.is_file()}
        for file in present - files.keys():
            file.unlink()
        for file, content in files.items():
            file.parent.mkdir(exist_ok=True)
            if not file.is_file() or file.read_bytes() != content:
                file.write_bytes(content)
    assert _answer(read) == run
    return counts


def _append(name: str) -> Callable[[Layout, random.Random], None]:
    def change(layout: Layout, rng: random.Random) -> None:
        with (layout.root / name).open("a") as file:
            file.write(f"x{rng.randint(1, 10**6)} = 1\n")

    return change


def _remove(name: str) -> Callable[[Layout, random.Random], None]:
    return lambda layout, _: (layout.root / name).unlink()


def _write(name: str, text: str) -> Callable[[Layout, random.Random], None]:
    return lambda layout, _: add(name, text)(layout)


def _change(
    name: str, change: Callable[[str, random.Random], str]
) -> Callable[[Layout, random.Random], None]:
    def mutation(layout: Layout, rng: random.Random) -> None:
        path = layout.root / name
        path.write_text(change(path.read_text(), rng))

    return mutation


def _cell(change: Callable[[str, random.Random], str]) -> Callable[[Layout, random.Random], None]:
    def mutation(layout: Layout, rng: random.Random) -> None:
        path = layout.notebooks / "01-count-letters.ipynb"
        document = json.loads(path.read_text())
        document["cells"][-1]["source"] = change(document["cells"][-1]["source"], rng)
        path.write_text(json.dumps(document))

    return mutation


def _rename(layout: Layout, _: random.Random) -> None:
    (layout.src / "words.py").rename(layout.src / "letters.py")
    edit("src/count.py", "from words", "from letters")(layout)


STALE = {
    **{f"{name} edited": _append(name) for name in READ},
    **{f"{name} removed": _remove(name) for name in READ if not name.endswith("named.csv")},
    "a file that was missing": _write("data/missing.csv", "a\n"),
    "a file in a folder that was listed": _write("data/listed/b.csv", "a\n"),
    "a database": _append("data/rows.db"),
    "a module renamed": _rename,
    "a module in front of another": _write("src/json.py", "x = 1\n"),
    "token of a cell": _cell(mutate_token),
    "token of a module": _change("src/words.py", mutate_token),
    "token beside the notebook": _change("notebooks/helper.py", mutate_token),
}
NEEDLESS = {
    **{
        f"format of {name}": _change(name, mutate_format)
        for name in ("src/words.py", "src/count.py", "notebooks/helper.py")
    },
    **{
        f"docstring of {name}": _change(name, mutate_docstring)
        for name in ("src/words.py", "src/count.py", "notebooks/helper.py")
    },
    "format of a cell": _cell(mutate_format),
    "a comment in the configuration": _change(
        "configuration/configuration-DEV.yml", lambda text, rng: f"{text}# {rng.random()}\n"
    ),
    "a file that nothing opened": _write("data/other.csv", "a\n"),
    "a picture": _write("notebooks/report.png", "x"),
}


def test_whatever_was_read_counts(read: Read) -> None:
    print(dict(_each(read, STALE, max(COUNT, len(STALE)), same=False)), "stale 0")


def test_no_comment_docstring_format_or_file_beside_is_worth_an_execution(read: Read) -> None:
    print(dict(_each(read, NEEDLESS, max(COUNT, len(NEEDLESS)), same=True)), "needless 0")
