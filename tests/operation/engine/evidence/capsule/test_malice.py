"""Capsules that somebody made or changed: nothing of them is executed unasked, and what differs is said."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from operation import cli
from operation.engine.evidence.capsule.code import code_differences
from operation.engine.evidence.capsule.replay import Replay
from operation.engine.evidence.capsule.unpack import Capsule, read_capsule, restore
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from tests.operation.engine.evidence.capsule.conftest import Failed

Members = dict[str, bytes]
Change = Callable[[Members], None]
EXECUTED = "run/notebooks/02-double-count.ipynb"
WRITTEN = "project/notebooks/02-double-count.ipynb"
# fmt: off
DANGEROUS = [
    "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "PATH", "HOME", "SHELL",
    "IFS", "BASH_ENV", "TMPDIR", "PYTHONSTARTUP", "PYTHONPATH", "PYTHONHOME", "PYTHONINSPECT",
    "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "WORKBENCH_ROOT", "WORKBENCH_PYTHON", "HTTPS_PROXY",
    "GIT_SSH_COMMAND", "MPLBACKEND", "UNKNOWN",
]
# fmt: on


def _members(capsule: Path) -> Members:
    with zipfile.ZipFile(capsule) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def forged(failed: Failed, tmp_path: Path) -> Callable[[Change], Path]:
    """Return a function that changes the members of a capsule."""

    def forge(change: Change) -> Path:
        members = _members(failed.capsule)
        change(members)
        path = tmp_path / "forged.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path

    return forge


def _content(**changes: Any) -> Change:
    """Return a change of ``capsule.json``; a mapping is merged into what is there."""

    def change(members: Members) -> None:
        content = json.loads(members["capsule.json"])
        for name, value in changes.items():
            merged = {**content[name], **value} if isinstance(value, Mapping) else value
            content[name] = merged
        members["capsule.json"] = json.dumps(content).encode()

    return change


def _appended(name: str, text: str) -> Change:
    def change(members: Members) -> None:
        members[name] = members.get(name, b"") + text.encode()

    return change


def _cell(name: str, index: int, **changes: object) -> Change:
    def change(members: Members) -> None:
        document = json.loads(members[name])
        document["cells"][index] |= changes
        members[name] = json.dumps(document).encode()

    return change


def _stored(name: str, content: bytes) -> Change:
    def change(members: Members) -> None:
        (member,) = [one for one in members if one.startswith("store/") and one.endswith(name)]
        members[member] = content

    return change


@pytest.mark.parametrize(
    "change",
    [
        _content(error={"notebook": "../../evil"}),
        _content(error={"notebook": ".hidden"}),
        _content(error={"notebook": 7}),
        _content(id="../evil"),
        _content(id=".."),
        _content(moved={"import core": "external/0/x"}),
        _content(moved={"/data": 'external/0/x"; import os; "'}),
        _content(moved={"/data": "project/src/double.py"}),
        _content(moved={"/data": "external/0/../../../etc"}),
        _content(given={"FACTOR": 2}),
        _content(left_out=["x"]),
        _content(masked=[None]),
        _content(packages=[]),
        _content(commit=["x"]),
        _appended("project/.git/hooks/post-checkout", "evil"),
        _appended("project/.env", "evil"),
        _appended("project/.venv/bin/python", "evil"),
        _appended("external/.jupyter/x", "evil"),
        _appended("PROJECT/src/double.py", "evil"),
        _appended("project/src/Double.py", "evil"),
        _appended("project/a\nb", "evil"),
        _appended("store/../x", "evil"),
    ],
)
def test_a_forged_capsule_is_refused_before_anything_is_written(
    change: Change, forged: Callable[[Change], Path], clone: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["replay", str(forged(change)), "--check", "--yes"]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert not (clone.runs / "replays").exists()


@pytest.mark.parametrize(
    "change",
    [
        _stored("result/metrics.json", b'{"letters": 7}'),
        _stored("/manifest.json", b"{}"),
        _stored("/manifest.json", b'{"outputs": {"result": {"digest": "0"}}}'),
    ],
    ids=["bytes", "no record", "another digest"],
)
def test_edited_outputs_are_refused(change: Change, forged: Callable[[Change], Path], clone: Layout) -> None:
    capsule = read_capsule(forged(change))
    with pytest.raises(UsageError, match="is damaged or was tampered with: "):
        restore(capsule, clone.runs)


def test_bytes_and_their_record_edited_together_are_refused(
    forged: Callable[[Change], Path], failed: Failed, clone: Layout
) -> None:
    import hashlib

    def change(members: Members) -> None:
        (name,) = [one for one in members if one.startswith("store/") and one.endswith("metrics.json")]
        record = name.replace("result/metrics.json", "manifest.json")
        members[name] = b'{"letters": 7}'
        content = json.loads(members[record])
        file = hashlib.sha256(members[name]).hexdigest()
        content["outputs"]["result"] = {"digest": file, "bytes": 14, "files": {"metrics.json": file}}
        members[record] = json.dumps(content).encode()

    with pytest.raises(UsageError, match=r"is not what was recorded\. Nothing was executed"):
        restore(read_capsule(forged(change)), clone.runs)


@pytest.mark.parametrize("name", DANGEROUS)
def test_no_variable_of_a_capsule_reaches_further_than_its_configuration(
    name: str, forged: Callable[[Change], Path], clone: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRIVATE_TO_THIS_MACHINE", "1")
    change = _content(given={name: "/evil"}, environment={name: "/evil"})
    declared = _appended("project/configuration/configuration-DEV.yml", f"\n  {name}: /evil\n")
    path = forged(lambda members: (change(members), declared(members))[0])
    replay = Replay(read_capsule(path), restore(read_capsule(path), clone.runs))
    variables = replay.variables("check")
    assert "/evil" not in variables.values()
    assert "PRIVATE_TO_THIS_MACHINE" not in variables
    assert variables["FACTOR"] == "2"
    assert variables.get("PATH") == os.environ.get("PATH")


@pytest.mark.parametrize("way", [["--check"], ["--script"], ["--no-browser"], ["--check", "--json"]])
def test_nothing_is_executed_before_somebody_agreed(
    way: list[str], forged: Callable[[Change], Path], clone: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    marker = clone.root / "executed"
    code = f"__import__('pathlib').Path({str(marker)!r}).touch()\n"

    def change(members: Members) -> None:
        for name in ("project/src/double.py", "project/notebooks/core.py", "project/src/utils.py"):
            members[name] = code.encode() + members[name]
        _cell(EXECUTED, 0, source=code)(members)

    path = forged(change)
    assert cli.main(["replay", str(path), *way]) == 2
    said = capsys.readouterr()
    assert said.err == (
        f"error: {path.name} holds code, and nobody is there to agree to it: nothing was executed. "
        "Read what differs and the restored project, then add --yes.\n"
    )
    assert not marker.exists()


def _git(root: Path, *words: str) -> str:
    own = ["-c", "user.name=me", "-c", "user.email=me@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *own, "-C", str(root), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def committed(failed: Failed, tmp_path: Path) -> tuple[Layout, str]:
    """A clone that has the commit of the capsule, and works on another."""
    layout = Layout(tmp_path / "committed")
    for name, content in _members(failed.capsule).items():
        if name.startswith("project/"):
            file = layout.root / name.removeprefix("project/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
    _git(tmp_path, "init", "-q", str(layout.root))
    _git(layout.root, "add", "-A")
    _git(layout.root, "commit", "-q", "-m", "as it ran")
    commit = _git(layout.root, "rev-parse", "HEAD")
    (layout.src / "double.py").write_text("", encoding="utf-8")
    return layout, commit


CODE = "notebooks/02-double-count.ipynb"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_appended("project/src/double.py", "\nevil()"), "src/double.py is not as in commit {}"),
        (_appended("project/src/new.py", "evil()"), "src/new.py is not in commit {}"),
        (
            lambda members: members.pop("project/src/words.py"),
            "src/words.py of commit {} is not in the capsule",
        ),
        (_appended("project/notebooks/core.py", "\nevil()"), "notebooks/core.py is not as in commit {}"),
        (_cell(WRITTEN, 2, source="evil()"), f"{CODE} is not as in commit {{}}"),
        (_cell(EXECUTED, 2, source="evil()"), f"{CODE} was executed with other code than the project's"),
        (
            _cell(EXECUTED, 2, source="evil()", metadata={"tags": ["injected-parameters"]}),
            f"the parameters of {CODE} hold code",
        ),
        (
            _content(masked=["project/src/double.py"]),
            "src/double.py cannot be compared with commit {}: a secret was masked in it",
        ),
    ],
)
def test_what_differs_is_computed_from_the_commit(
    change: Change, said: str, forged: Callable[[Change], Path], committed: tuple[Layout, str]
) -> None:
    layout, commit = committed

    def claim(members: Members) -> None:
        change(members)
        _content(commit=commit, dirty=False)(members)

    assert said.format(commit[:12]) in code_differences(read_capsule(forged(claim)), layout)


def test_the_code_of_the_commit_does_not_differ(failed: Failed, committed: tuple[Layout, str]) -> None:
    layout, commit = committed
    content = {**read_capsule(failed.capsule).content, "commit": commit}
    assert code_differences(Capsule(failed.capsule, content), layout) == []


def test_a_commit_that_is_not_here_is_told(failed: Failed, committed: tuple[Layout, str]) -> None:
    content = {**read_capsule(failed.capsule).content, "commit": "0" * 40}
    assert code_differences(Capsule(failed.capsule, content), committed[0]) == [
        "commit 000000000000 is not in this clone: the code was compared with this checkout",
        "src/double.py is not as in this checkout",
    ]
