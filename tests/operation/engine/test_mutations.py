"""Keys and certificate under mutation: nothing stale is ever reused, nothing is executed for a comment.

``WORKBENCH_MUTATIONS=300`` asks for more of them; all are seeded, and a failure names its own.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from operation.engine import configuration
from operation.engine.foundation.errors import WorkbenchError
from operation.engine.foundation.layout import Layout
from operation.engine.identity.contract import read_contract
from operation.engine.identity.packages import PackageLock
from operation.engine.identity.source import dependencies
from operation.engine.identity.state import ProjectState
from operation.engine.steps.runners import in_process
from operation.engine.steps.session import Session
from operation.engine.steps.step import plan
from operation.setup.lockfile import normalised
from tests.operation.engine.mutations import mutate_docstring, mutate_format, mutate_token

COUNT = int(os.environ.get("WORKBENCH_MUTATIONS", "24"))
SRC = Path(__file__).resolve().parents[3] / "src"
STEPS = ("count", "double")
# Both scripts as a user would start them, in one plain process that knows nothing of the workbench.
PLAIN = """
import runpy, sys
src, text, out, *arguments = sys.argv[1:]
sys.path.insert(0, src)
for script, words in (("count", ["--text", text, *arguments]), ("double", ["--counted", out + "/count"])):
    sys.argv = [script + ".py", *words, "--result", out + "/" + script]
    runpy.run_path(src + "/" + script + ".py", run_name="__main__")
"""
Outputs = dict[str, dict[str, bytes] | None]
Mutation = Callable[[Layout, random.Random], None]


def _edit(name: str, change: Callable[[str, random.Random], str]) -> Mutation:
    def mutation(layout: Layout, rng: random.Random) -> None:
        path = layout.root / name
        path.write_bytes(change(path.read_text(encoding="utf-8"), rng).encode())

    return mutation


def _cell(text: str, rng: random.Random) -> str:
    place = rng.randrange(len(text))
    return text[:place] + rng.choice("xyzé 1") + text[place + 1 :]


def _factor(text: str, rng: random.Random) -> str:
    return text.replace("FACTOR: 1", f"FACTOR: {rng.choice([2, 0.5, -0.0, -1, 1e3])}")


def _skip(text: str, rng: random.Random) -> str:
    return text.replace("{factor:", f"{{skip: [{rng.choice('abcq')}], factor:")


MEANINGFUL: dict[str, Mutation] = {
    "token of a script": _edit("src/count.py", mutate_token),
    "token of the script after it": _edit("src/double.py", mutate_token),
    "token of a module": _edit("src/words.py", mutate_token),
    "default": _edit("src/count.py", lambda text, rng: mutate_token(text, rng, within="default=1.0")),
    "argument": _edit("configuration/configuration-DEV.yml", _factor),
    "list argument": _edit("configuration/configuration-tiny.yml", _skip),
    "cell": _edit("data/text.txt", _cell),
    "package": _edit("requirements.lock", lambda _, rng: f"one==1.{rng.randint(1, 10**6)}\n"),
}
FORMAT: dict[str, Mutation] = {
    f"{kind} of {name}": _edit(f"src/{name}.py", change)
    for name in ("count", "double", "words", "utils")
    for kind, change in {"format": mutate_format, "docstring": mutate_docstring}.items()
}


def _plainly(layout: Layout, out: Path) -> Outputs:
    """Execute both scripts in a plain child process and return what they wrote; None: nothing complete."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    given = configuration.load(layout=layout).steps["count"].arguments
    words = read_contract(layout.src / "count.py").argv(given)
    command = [sys.executable, "-S", "-c", PLAIN, str(layout.src), "data/text.txt", str(out), *words]
    done = subprocess.run(command, cwd=layout.root, capture_output=True, check=False, timeout=60)
    found = {step: _files(out / step) for step in STEPS}
    if done.returncode:
        failed = (
            "double" if b"double.py" in done.stderr and b'count.py", line' not in done.stderr else "count"
        )
        found["double"] = None
        if failed == "count":
            found["count"] = None
    return found


def _files(folder: Path) -> dict[str, bytes] | None:
    if not folder.is_dir():
        return None
    return {
        one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.rglob("*") if one.is_file()
    }


def _by_workbench(layout: Layout) -> tuple[Outputs, dict[str, str]]:
    """Ask a session for both steps; what it gave, and how."""
    found: Outputs = {}
    how: dict[str, str] = {}
    for step in STEPS:
        try:
            done = Session(configuration.load(layout=layout), layout, in_process).step(step)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a mutated script raises
            found[step], how[step] = None, f"failed: {error}"
        else:
            found[step], how[step] = _files(done.entry.output("result")), done.how
    return found, how


@pytest.fixture
def settled(tiny: Layout, tmp_path: Path) -> tuple[Layout, Outputs]:
    """The tiny project with both steps in the store, and what they plainly give."""
    _by_workbench(tiny)
    return tiny, _plainly(tiny, tmp_path / "plain")


def _each(layout: Layout, mutations: dict[str, Mutation], number: int, check: Callable[[str], None]) -> None:
    """Apply `number` mutations, each to the untouched project and its store."""
    kept = set(layout.store.iterdir())
    names = [
        *(one for folder in ("src", "configuration", "data") for one in (layout.root / folder).rglob("*"))
    ]
    files = {
        path: path.read_bytes() for path in [*names, layout.lock] if path.is_file() and path.suffix != ".pyc"
    }
    for index in range(number):
        name = list(mutations)[index % len(mutations)]
        mutations[name](layout, random.Random(index))
        changed = [path for path, content in files.items() if path.read_bytes() != content]
        check(f"{index}: {name}: {[path.read_text() for path in changed]}")
        for path in changed:
            path.write_bytes(files[path])
        for entry in set(layout.store.iterdir()) - kept:
            shutil.rmtree(entry)


def test_nothing_stale_is_ever_reused(
    settled: tuple[Layout, Outputs], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    layout, before = settled
    counts: Counter[str] = Counter()

    def check(told: str) -> None:
        try:
            expected = _plainly(layout, tmp_path / "plain")
        except WorkbenchError:  # no configuration any more: nothing plain to compare with
            expected = dict.fromkeys(STEPS)
        found, how = _by_workbench(layout)
        for step in STEPS:
            if how[step] == "reused":
                unknown = expected["count"] is None and step == "double"  # plainly it was never reached
                assert found[step] == before[step], f"{told}\n{how}"
                assert unknown or expected[step] == before[step], f"{told}\n{how}"
            else:  # a plain script may fail where a call of main(argv) does not: `def main(argv=0)`
                assert expected[step] is None or found[step] == expected[step], f"{told}\n{how}"
        changed = expected != before
        counts["failing" if None in expected.values() else "other bytes" if changed else "same bytes"] += 1
        counts["executed"] += "executed" in how.values()

    _each(layout, MEANINGFUL, COUNT, check)
    record_property("mutations", dict(counts))
    print(dict(counts))
    assert counts["other bytes"] > COUNT / 4


def test_no_comment_and_no_format_is_worth_an_execution(settled: tuple[Layout, Outputs]) -> None:
    layout, before = settled

    def check(told: str) -> None:
        assert _by_workbench(layout) == (before, dict.fromkeys(STEPS, "reused")), told

    _each(layout, FORMAT, COUNT // 2, check)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """The project's own Core Scripts, packages and environment file, to be edited."""
    root = tmp_path_factory.mktemp("copied")
    shutil.copytree(SRC, root / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("requirements.lock", "configuration/environments/training.yml"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SRC.parent / name, root / name)
    (root / "data.csv").write_text("a\n1\n")
    return Layout(root)


def _key(layout: Layout, step: str) -> str:
    """Return the key of a step whose inputs are all one file; or what a mutated parser says."""
    script = layout.src / f"{step}.py"
    try:
        contract = read_contract(script)
        given = dict.fromkeys(contract.inputs, layout.root / "data.csv")
        needed = [name for name, one in contract.values.items() if one.required]
        return plan(ProjectState(layout), step, script, given, dict.fromkeys(needed, "1")).key
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a mutated parser raises
        return f"failed: {error}"


def _behind(layout: Layout, step: str) -> list[str]:
    files = dependencies(layout.src / f"{step}.py")
    return [layout.relative(file) for file in files if file.name != "__init__.py"]


def _bump(inside: bool) -> Callable[[str, random.Random], str]:
    """Return a change of one package's version, of those that Core Scripts may use or of the others."""

    def change(text: str, rng: random.Random) -> str:
        used = PackageLock(Layout(SRC.parent)).used(frozenset()).versions
        pins = [line for line in text.splitlines() if "==" in line and not line.startswith((" ", "#"))]
        names = [normalised(pin.partition("==")[0].partition("[")[0]) for pin in pins]
        pin = rng.choice([pin for pin, name in zip(pins, names, strict=True) if (name in used) is inside])
        return text.replace(f"{pin}\n", f"{pin.replace('==', '==9', 1)}\n")

    return change


def _ruff(text: str, rng: random.Random) -> str:
    return text.replace("\nruff==", f"\nruff=={rng.randint(1, 9)}")


def _among(files: list[str], change: Callable[[str, random.Random], str]) -> Mutation:
    def mutation(layout: Layout, rng: random.Random) -> None:
        _edit(rng.choice(files), change)(layout, rng)

    return mutation


def _kinds(layout: Layout, step: str) -> dict[str, tuple[Mutation, bool]]:
    """Return kind -> mutation, and whether the step must have another key."""
    behind, plots = _behind(layout, step), [layout.relative(one) for one in layout.src.glob("plotting/*.py")]
    # pydantic makes the docstring of a model part of its schema: there it counts
    undocumented = [file for file in behind if "from pydantic" not in (layout.root / file).read_text("utf-8")]
    return {
        "token": (_among(behind, mutate_token), True),
        "package that it may use": (_edit("requirements.lock", _bump(inside=True)), True),
        "comment or format": (_among(behind, mutate_format), False),
        "docstring": (_among(undocumented, mutate_docstring), False),
        "Azure login": (_edit("src/utils.py", mutate_token), False),
        "picture": (_among(sorted(plots), mutate_token), False),
        "version of ruff": (_edit("requirements.lock", _ruff), False),
        "package that it may not use": (_edit("requirements.lock", _bump(inside=False)), False),
    }


@pytest.mark.parametrize("step", ["prepare", "train"])
def test_what_a_core_script_depends_on_counts_and_nothing_else_does(
    copied: Layout, step: str, record_property: Callable[[str, object], None]
) -> None:
    before, kinds, counts = _key(copied, step), _kinds(copied, step), Counter[str]()
    assert not before.startswith("failed")
    files = [copied.lock, *copied.src.rglob("*.py")]
    texts = {file: file.read_bytes() for file in files}
    for index in range(max(COUNT, 2 * len(kinds))):
        kind = list(kinds)[index % len(kinds)]
        mutation, is_other = kinds[kind]
        mutation(copied, random.Random(index))
        changed = [file for file in files if file.read_bytes() != texts[file]]
        found = _key(copied, step)
        assert (found != before) is is_other or not changed, f"{index}: {kind}: {changed}: {found}"
        counts[kind] += bool(changed)
        for file in changed:
            file.write_bytes(texts[file])
    record_property("mutations", dict(counts))
    print(step, dict(counts), "stale 0, needless 0")
