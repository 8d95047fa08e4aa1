"""The commit of a checkout, and whether a clone of it would be the same."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from operation.engine.foundation.git import commit


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., str]:
    """Return a function that runs git in a repository with one commit."""

    def run(*words: str) -> str:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words]
        return subprocess.run(
            command, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    run("init", "--quiet")
    (tmp_path / ".gitignore").write_text("runs/\n", encoding="utf-8")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text("x = 1\n", encoding="utf-8")
    run("add", ".")
    run("commit", "--quiet", "-m", "start")
    return run


def test_a_clean_checkout(tmp_path: Path, git: Callable[..., str]) -> None:
    assert commit(tmp_path) == {"commit": git("rev-parse", "HEAD"), "dirty": False}


@pytest.mark.parametrize(
    ("file", "dirty"),
    [
        ("src/train.py", True),
        ("src/new.py", True),
        ("configuration/new.yml", True),
        ("runs/x", False),
    ],
)
def test_what_a_clone_would_lack_makes_it_dirty(
    tmp_path: Path, git: Callable[..., str], file: str, dirty: bool
) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("other\n", encoding="utf-8")
    assert commit(tmp_path)["dirty"] is dirty


def test_outside_git_nothing_is_known_and_nothing_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert commit(tmp_path) == {"commit": None, "dirty": None}
    assert capsys.readouterr().err == ""


def test_a_checkout_of_another_owner_is_said(
    tmp_path: Path,
    git: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert commit(tmp_path) == {"commit": None, "dirty": None}
    assert capsys.readouterr().err == (
        f"warning: the commit is not recorded: git does not trust {tmp_path}, which another user owns. "
        f"Trust it with: git config --global --add safe.directory {tmp_path}\n"
    )
