"""What a capsule holds, and what no file of a run holds."""

from __future__ import annotations

import json
import zipfile
from importlib.metadata import version
from pathlib import Path
from textwrap import dedent

import pytest

from operation.engine.evidence.capsule.archive import writing
from operation.engine.evidence.capsule.inputs import Input, add_inputs
from operation.engine.foundation.layout import Layout
from operation.engine.runs.request import Request, prepare
from operation.engine.runs.run import start
from tests.operation.engine.conftest import build, notebook, write
from tests.operation.engine.evidence.capsule.conftest import CANARIES, Failed, spellings


def _members(capsule: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(capsule) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_no_file_of_a_run_and_no_member_holds_a_canary(failed: Failed) -> None:
    files = {path.name: path.read_bytes() for path in failed.layout.runs.rglob("*") if path.is_file()}
    assert {".html", ".json", ".ipynb", ".zip"} <= {Path(name).suffix for name in files}
    texts = {**files, **_members(failed.capsule)}
    leaks = [
        (name, spelled)
        for name, content in texts.items()
        for canary in CANARIES.values()
        for spelled in spellings(canary)
        if spelled.encode() in content
    ]
    assert leaks == []
    executed = texts["run/notebooks/02-double-count.ipynb"].decode()
    assert "user: " in executed
    assert json.loads(texts["run/manifest.json"])["error"]["message"] == "denied for ***"


def test_a_capsule_holds_all_that_a_replay_needs(failed: Failed) -> None:
    members = _members(failed.capsule)
    content = json.loads(members["capsule.json"])
    (entry,) = {name.split("/")[1] for name in members if name.startswith("store/")}
    for name in (
        "run/manifest.json",
        "run/overrides.json",
        "run/notebooks/02-double-count.ipynb",
        "project/src/words.py",
        "project/notebooks/core.py",
        "project/configuration/configuration-tiny.yml",
        "project/configuration/configuration-DEV.yml",
        "project/configuration/environments/training.yml",
        "project/requirements.lock",
        "resolved-configuration.json",
        "external/0/outside.txt",
        f"store/{entry}/manifest.json",
        f"store/{entry}/result/metrics.json",
    ):
        assert name in members
    assert "project/config.json" not in members
    assert content["given"] == {"FACTOR": "2"}
    assert content["left_out"] == [{"member": "project/config.json", "bytes": 33, "reason": "it is private"}]
    # what the environment file needs, which is not installed, and what executes cells; nothing else
    versions = {name: version(name) for name in ("ipykernel", "papermill")}
    assert content["packages"] == {**versions, "one": None}
    assert json.loads(members["resolved-configuration.json"])["steps"]["count"]["arguments"] == {"factor": 2}


READS = """
    import pathlib
    root = pathlib.Path("..")
    (root / ("da" + "ta") / f"{'pieces'}.csv").read_text()
    [part.read_text() for part in sorted(pathlib.Path("../parts").glob("*.txt"))]
    open("below/deeper/note.txt").read()
    (root / ".env").read_text()
"""


def test_what_a_cell_opened_is_in_the_capsule_or_left_out_aloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = build(tmp_path / "project", monkeypatch)
    read = ["data/pieces.csv", "parts/1.txt", "parts/2.txt", "notebooks/below/deeper/note.txt"]
    for name in [*read, ".env", "notebooks/below/unread.txt", "data/unread.csv"]:
        write(layout, name, "text")
    book = notebook('use_case: str = "tiny"\nenvironment: str = "DEV"', dedent(READS), "1 / 0")
    write(layout, "notebooks/01-count-letters.ipynb", json.dumps(book))
    start(layout, prepare(layout, Request(notebooks=["01-count-letters"])), lambda *_: None)
    (capsule,) = layout.runs.glob("2*/capsule.zip")
    members = _members(capsule)
    assert {f"project/{name}" for name in read} <= set(members)
    assert "project/notebooks/below/unread.txt" in members
    assert "project/.env" not in members
    left_out = json.loads(members["capsule.json"])["left_out"]
    assert left_out == [{"member": "project/.env", "bytes": 4, "reason": "it is private"}]


def test_the_largest_inputs_stay_out_beyond_the_limit(tmp_path: Path) -> None:
    for name, size in {"small": 10, "large": 1000, "middle": 100}.items():
        (tmp_path / name).write_bytes(b"\xff" * size)
    inputs = [Input(tmp_path / name, f"project/{name}") for name in ("large", "small")]
    inputs.append(Input(tmp_path / "middle", "store/middle", step="train"))
    with writing(tmp_path / "x.zip") as archive:
        assert add_inputs(archive, Layout(tmp_path), inputs, limit=105) == {}
    assert list(_members(tmp_path / "x.zip")) == ["project/small"]
    assert [(one["member"], one["reason"], one["where"]) for one in archive.left_out] == [
        ("store/middle", "the capsule's limit", "executing 'train' again gives it"),
        ("project/large", "the capsule's limit", f"copy it from {tmp_path / 'large'}"),
    ]
    assert all(len(one["digest"]) == 64 for one in archive.left_out)


def test_binary_with_a_secret_stays_out_and_text_is_masked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "can4ry of binary")
    (tmp_path / "model.bin").write_bytes(b"\xff\xfe can4ry of binary")
    key = "Zm9vYmFy" * 10 + "Zm9vYm=="
    with writing(tmp_path / "x.zip") as archive:
        archive.file(tmp_path / "model.bin", "project/model.bin")
        archive.text("login('Password=can4ryX;', password=given)", "run/a.txt")
        archive.text("connect(password=given, pwd=other)", "project/src/a.py")
        archive.text(f"AccountKey={key}; https://user:can4ry@host/", "run/b.txt")
    members = _members(tmp_path / "x.zip")
    assert [one["member"] for one in archive.left_out] == ["project/model.bin"]
    assert members["project/src/a.py"] == b"connect(password=given, pwd=other)"
    assert archive.masked == ["run/a.txt", "run/b.txt"]
    assert b"can4ry" not in members["run/a.txt"] + members["run/b.txt"]
    assert key.encode() not in members["run/b.txt"]


def test_a_capsule_that_cannot_be_finished_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no space"), writing(tmp_path / "capsule.zip"):
        raise OSError("no space")
    assert list(tmp_path.iterdir()) == []
