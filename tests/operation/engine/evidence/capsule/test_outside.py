"""What lay outside of the project is copied below the restored one, whatever a capsule calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operation.engine.evidence.capsule.outside import redirect
from operation.engine.foundation.layout import Layout
from operation.engine.identity.opened import Opened
from tests.operation.engine.conftest import write


@pytest.mark.parametrize(
    "names",
    [["//etc/x"], ["/a/../../x"], ["x"], ["C:\\data\\x"], ["/a", "/a/b"], ["/a/b", "/a"], ["/" + "n" * 300]],
)
def test_nothing_is_written_beside_the_project(tmp_path: Path, names: list[str]) -> None:
    layout = Layout(tmp_path / "restored")
    moved = {name: f"external/{index}/x" for index, name in enumerate(names)}
    for member in moved.values():
        write(layout, member, "text")
    redirect(layout, {"moved": moved, "root": "/elsewhere"}, {})
    assert [path.name for path in tmp_path.iterdir()] == ["restored"]
    assert {path.name for path in layout.root.iterdir()} <= {"external", "outside", "runs"}


def test_a_folder_that_is_here_too_is_the_copy_only_where_it_was_listed(tmp_path: Path) -> None:
    layout, here = Layout(tmp_path / "restored"), tmp_path / "data"
    here.mkdir()
    write(layout, "external/0/x", "text")
    content = {"moved": {f"{here}/x": "external/0/x"}, "root": str(tmp_path / "elsewhere")}
    for listed in (False, True):
        opened: Opened = {f"{here}/": "digest"} if listed else {}
        (folder,) = redirect(layout, content, opened)
        found = json.loads((folder / "outside.json").read_text(encoding="utf-8"))
        assert found[f"{here}/x"] == f"{layout.root}/outside{here}/x"
        assert (str(here) in found) is listed
