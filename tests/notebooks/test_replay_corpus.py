"""Failures are told right in log, page and manifest, and arise again in another clone, and only they.

``WORKBENCH_CORPUS=all python3 -m operation test tests/notebooks/test_replay_corpus.py -s`` fails in all of
the ways there are and prints a table; by default it does so in a few. A number takes the first ones.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from operation import cli
from operation.engine.steps.failures import REJECTED
from tests.notebooks.conftest import copy_project, good_run
from tests.notebooks.corpus import STEPS, Failure
from tests.notebooks.corpus_cells import CELLS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits and signals of POSIX")
FAILURES = {**STEPS, **CELLS}
FEW = [
    "bug in a script",
    "display of an object of an earlier cell",
    "no message",
    "caught failure of a step, then the same of a cell",
    "group by nbclient",
]
_ASKED = os.environ.get("WORKBENCH_CORPUS", "")
CHOSEN = list(FAILURES)[: int(_ASKED) if _ASKED.isdecimal() else None] if _ASKED else FEW


@dataclass(frozen=True)
class Failed:
    """What a failed run left, and what it printed of it."""

    folder: Path
    console: str

    @property
    def error(self) -> dict[str, Any]:
        """The ``error`` record of the manifest."""
        content = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))
        error: dict[str, Any] = content["error"]
        return error


@pytest.fixture(scope="session")
def clone(checkout: Path, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another clone, in which nothing is broken; for a few failures it has the store of the good run."""
    root = copy_project(checkout, tmp_path_factory.mktemp("another") / "clone")
    if not _ASKED:
        good_run(checkout, shared, "flights")
        shutil.copytree(checkout / "runs" / "store", root / "runs" / "store")
    return root


@pytest.mark.parametrize("use_case", ["flights"])
@pytest.mark.parametrize("name", CHOSEN)
def test_a_failure_is_told_right_and_arises_again_in_another_clone(
    checkout: Path,
    clone: Path,
    tmp_path: Path,
    name: str,
    use_case: str,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    failure, root = FAILURES[name], tmp_path / "broken"
    if failure.needs_store:
        assert request.getfixturevalue("manifest")["use_case"] == use_case
    failed = _fail(checkout, root, failure, capsys)
    _assert_told(failure, failed, root)
    _assert_on_the_pages(failure, failed)
    capsule = failed.folder / "capsule.zip"
    if failure.code == REJECTED:
        assert not capsule.exists()
        return
    kept = capsule.rename(tmp_path / "capsule.zip")
    assert all(entry["reason"] for entry in _content(kept)["left_out"])
    shutil.rmtree(root)
    result = _check(clone, kept, capsys)
    with capsys.disabled():
        print(
            f"\n| {name} | {failure.kind} | {result['seconds']} s | {kept.stat().st_size / 1e6:.1f} MB |",
            end="",
        )
    assert result["reproduced"], json.dumps(result)
    assert not _check(clone, _changed(kept, failure), capsys)["reproduced"]


def _fail(checkout: Path, root: Path, failure: Failure, capsys: pytest.CaptureFixture[str]) -> Failed:
    """Fail in a copy that has the store of a good run if it needs it."""
    copy_project(checkout, root)
    if failure.needs_store:
        shutil.copytree(checkout / "runs" / "store", root / "runs" / "store")
    failure.broken(root)
    code, _, err = _operation(root, failure.environment, ["run", *failure.words], capsys)
    assert code == failure.code, err
    (folder,) = root.glob("runs/2*/")
    return Failed(folder, err)


def _assert_told(failure: Failure, failed: Failed, root: Path) -> None:
    error = failed.error
    document = json.loads(
        (failed.folder / "notebooks" / f"{error['notebook']}.ipynb").read_text(encoding="utf-8")
    )
    cell = document["cells"][error["cell"]]
    code = "".join(cell["source"])
    own = f"notebooks/{error['notebook']}.ipynb"
    assert error["notebook"] == failure.words[1] if failure.words else error["notebook"]
    assert (error["type"], error["file"]) == (failure.kind, failure.file or own), error
    assert failure.message in error["message"]
    assert (failure.cell or failure.line) in code
    text = (root / failure.file).read_text(encoding="utf-8") if failure.file else code
    if failure.line:
        assert failure.line in text.splitlines()[error["line"] - 1]
    else:
        assert error["line"] is None
    location = f"{error['file']}:{error['line']}" if failure.line else error["file"]
    count = cell["execution_count"]
    head = f"error: {error['notebook']}, cell {f'In [{count}]' if count else error['cell']}, {location}: "
    message = error["message"]
    told = failure.kind if message == failure.kind else f"{failure.kind}: {message[:2000]}"
    assert f"{head}{told}" in failed.console


def _assert_on_the_pages(failure: Failure, failed: Failed) -> None:
    error = failed.error
    location = f"{error['file']}:{error['line']}" if failure.line else error["file"]
    for page in ("index.html", f"{error['notebook']}.html"):
        text = html.unescape((failed.folder / page).read_text(encoding="utf-8"))
        banner = text.partition("<code>")[0]
        assert failure.kind in banner
        assert failure.message in banner
        assert f"<code>{location}</code>" in text
    (anchored,) = re.findall(r'id="failure".*?(?=id="cell-|\Z)', text, re.DOTALL)
    shown = re.sub(r"<[^>]+>", "", anchored)
    assert (failure.cell or failure.line) in shown


def _content(capsule: Path) -> dict[str, Any]:
    with zipfile.ZipFile(capsule) as archive:
        content: dict[str, Any] = json.loads(archive.read("capsule.json"))
    return content


def _changed(capsule: Path, failure: Failure) -> Path:
    """Return a capsule whose failure does not arise: its cause is mended, or its message was another."""
    other = capsule.with_name("changed.zip")
    with zipfile.ZipFile(capsule) as archive, zipfile.ZipFile(other, "w") as changed:
        for member in archive.infolist():
            data = archive.read(member)
            if failure.mended and member.filename == f"project/{failure.mended[0]}":
                old, new = (text.encode() for text in failure.mended[1:])
                assert old in data
                data = data.replace(old, new)
            elif member.filename == "capsule.json" and not failure.mended:
                content = json.loads(data)
                content["error"]["message"] += " or so"
                data = json.dumps(content).encode()
            changed.writestr(member, data)
    return other


def _check(clone: Path, capsule: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    _, out, err = _operation(clone, {}, ["replay", str(capsule), "--check", "--json", "--yes"], capsys)
    assert out, err
    result: dict[str, Any] = json.loads(out)
    return result


def _operation(
    root: Path, environment: dict[str, str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    """Give the command line of the copy in `root`; return exit code, output and errors."""
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**environment, "WORKBENCH_ROOT": str(root)}.items():
            patch.setenv(name, value)
        code = cli.main(words)
    return code, *capsys.readouterr()
