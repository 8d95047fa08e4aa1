"""One real run and one step print secrets of many kinds: no file and no console shows one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from operation.engine.foundation.layout import Layout
from tests.operation.engine.conftest import DOUBLE, build, notebook, write
from tests.operation.engine.evidence.capsule import canaries

CELL = """
from html import escape
from IPython.display import HTML, display
kinds = json.loads(bytes.fromhex(Path(core.__file__).with_name("kinds.hex").read_text()))
print(*kinds, sep="\\n")
display(HTML("<br>".join(map(escape, kinds))))
print("\\n".join(kinds), file=sys.__stderr__)
{kind: kind for kind in kinds}
"""
SCRIPT = """
        import sys
        kinds = json.loads(bytes.fromhex((Path(__file__).parents[1] / "notebooks" / "kinds.hex").read_text()))
        print(*kinds, sep="\\n")
        print(*kinds, sep="\\n", file=sys.stderr)
        raise ValueError("no " + " ".join(kinds))
"""


@pytest.fixture
def leaky(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """The tiny project with the canaries in its files, and in the environment of what is started."""
    layout = build(tmp_path / "project", monkeypatch)
    for name, text in {**canaries.FILES, "notebooks/kinds.hex": canaries.printed()}.items():
        write(layout, name, text)
    first = "        args = build_parser().parse_args(argv)\n"
    write(layout, "src/double.py", DOUBLE.replace(first, first + SCRIPT))
    choice = 'use_case: str = "tiny"\nenvironment: str = "DEV"'
    imports = "import json, sys\nfrom pathlib import Path\nimport core\ncore.use(use_case)"
    book = notebook(choice, imports, CELL, "core.double()")
    write(layout, "notebooks/02-double-count.ipynb", json.dumps(book))
    for name, value in canaries.variables().items():
        monkeypatch.setenv(name, value)
    return layout


def _operation(layout: Layout, *words: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-X", "workbench", "-m", "operation", *words],
        cwd=Path(__file__).resolve().parents[5],
        env={**os.environ, "WORKBENCH_ROOT": str(layout.root)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    return done.stdout + done.stderr


def _contents(runs: Path) -> Iterator[tuple[str, bytes]]:
    for path in runs.rglob("*"):
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                yield from ((name, archive.read(name)) for name in archive.namelist())
        elif path.is_file():
            yield path.relative_to(runs).as_posix(), path.read_bytes()


def test_there_are_enough_kinds() -> None:
    assert len(canaries.CANARIES) >= 57
    whole = "\n".join(canary.printed for canary in canaries.CANARIES.values())
    assert canaries.leaks(whole.encode()) == list(canaries.CANARIES)


def test_no_channel_shows_a_canary(leaky: Layout) -> None:
    consoles = {
        "console of run": _operation(leaky, "run", "--notebook", "02-double-count"),
        "console of step": _operation(leaky, "step", "double"),
    }
    channels = {**consoles, **dict(_contents(leaky.runs))}
    for name in ("run/notebooks/02-double-count.ipynb", "run/manifest.json"):
        assert b"***" in channels[name]
    assert {Path(name).suffix for name in channels} >= {".html", ".json", ".ipynb", ".log"}
    assert {name: found for name, text in channels.items() if (found := canaries.leaks(text))} == {}
