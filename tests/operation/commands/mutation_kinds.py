"""What can change in a project after a run of it, by kind."""

from __future__ import annotations

import contextlib
import json
import os
import random
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from operation.engine.foundation.layout import Layout
from tests.operation.commands.mutated_files import (
    BOOK,
    CODE_READS,
    FILES,
    LEDGER,
    LISTS,
    NAME,
    READS,
    USE_CASE,
)
from tests.operation.engine.conftest import CHOICE, notebook, write
from tests.operation.engine.mutations import mutate_docstring, mutate_format, mutate_token


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
