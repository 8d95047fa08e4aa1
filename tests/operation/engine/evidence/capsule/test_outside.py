"""What lay outside of the project is copied below the restored one, whatever a capsule calls it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from operation.engine.evidence.capsule.outside import redirect
from operation.engine.foundation.layout import Layout
from tests.operation.engine.conftest import write

FAILED = {"error": {"notebook": "book"}}
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="paths of POSIX")


@pytest.mark.parametrize(
    "names",
    [["//etc/x"], ["/a/../../x"], ["x"], ["C:\\data\\x"], ["/a", "/a/b"], ["/a/b", "/a"], ["/" + "n" * 300]],
)
def test_nothing_is_written_beside_the_project(tmp_path: Path, names: list[str]) -> None:
    layout = Layout(tmp_path / "restored")
    moved = {name: f"external/{index}/x" for index, name in enumerate(names)}
    for member in moved.values():
        write(layout, member, "text")
    write(layout, "failed-run/opened/book.jsonl", "[[], 1]\n{")
    redirect(layout, {"moved": moved, "root": "/elsewhere", **FAILED})
    assert [path.name for path in tmp_path.iterdir()] == ["restored"]
    assert {path.name for path in layout.root.iterdir()} <= {"external", "outside", "runs", "failed-run"}


def test_a_folder_that_is_here_too_is_the_copy_only_where_it_was_listed(tmp_path: Path) -> None:
    layout, here = Layout(tmp_path / "restored"), tmp_path / "data"
    here.mkdir()
    write(layout, "external/0/x", "text")
    content = {"moved": {f"{here}/x": "external/0/x"}, "root": str(tmp_path / "elsewhere"), **FAILED}
    for listed in (False, True):
        opened = [f"{here}/" if listed else f"{here}/x", "digest"]
        write(layout, "failed-run/opened/book.jsonl", f"{json.dumps(opened)}\n")
        (folder,) = redirect(layout, content)
        found = json.loads((folder / "outside.json").read_text(encoding="utf-8"))
        assert found[f"{here}/x"] == f"{layout.root}/outside{here}/x"
        assert (str(here) in found) is listed


OPENED = """
import gzip, io, os, shutil, zipfile
from pathlib import Path
path = "/nowhere/" + "x"
os.chdir("/")
assert open(path).read() == open(path.encode()).read() == open(file=path).read() == "text"
assert Path(path).read_text() == Path("nowhere", "x").read_text() == io.open(path).read() == "text"
assert os.read(os.open(path, os.O_RDONLY), 9) == b"text"
assert os.path.exists(path) and os.path.getsize(path) == 4 and Path(path).is_file() and os.access(path, 4)
assert os.listdir("/nowhere") == [one.name for one in Path("/nowhere").glob("?")] == ["x"]
assert [names for _, _, names in os.walk("/nowhere")] == [["x"]]
assert shutil.copy(path, {target!r}) and open({target!r}).read() == "text"
assert os.fstat(0) and open(os.dup(0)) and os.stat(0)
"""


def test_every_way_of_opening_finds_the_copy(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "restored")
    write(layout, "external/0/x", "text")
    content = {"moved": {"/nowhere/x": "external/0/x"}, "root": "/elsewhere", **FAILED}
    python = ":".join(map(str, redirect(layout, content)))
    code = OPENED.format(target=str(tmp_path / "copy"))
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": python}, check=True)
