"""Every faulty configuration: exit code 2, every mistake at once, word for word."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from operation import cli
from operation.engine.foundation.layout import Layout

REPOSITORY = Path(__file__).resolve().parents[3]
FAULTY = REPOSITORY / "tests" / "operation" / "faulty"
CASES = sorted(path.name for path in FAULTY.iterdir() if path.is_dir() and path.name != "good")
LayOver = Callable[[str], Layout]


def test_there_are_many_cases() -> None:
    assert len(CASES) >= 20


@pytest.mark.parametrize("case", CASES)
def test_all_mistakes_are_told_at_once(
    case: str, lay_over: LayOver, capsys: pytest.CaptureFixture[str]
) -> None:
    lay_over(case)
    words = (FAULTY / case / "command.txt").read_text(encoding="utf-8").split()
    assert cli.main(words) == 2
    assert capsys.readouterr().err == (FAULTY / case / "message.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", ["several", "tab", "secret", "unknown-environment"])
def test_a_child_process_says_the_same(case: str, lay_over: LayOver) -> None:
    layout = lay_over(case)
    words = (FAULTY / case / "command.txt").read_text(encoding="utf-8").split()
    done = subprocess.run(
        [sys.executable, "-m", "operation", *words],
        cwd=REPOSITORY,
        env={**os.environ, "WORKBENCH_ROOT": str(layout.root)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (FAULTY / case / "message.txt").read_text(encoding="utf-8")


def test_what_is_right_is_listed(good_project: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check"]) == 0
    assert capsys.readouterr().out == (
        "ok  configuration/configuration-DEV.yml\n"
        "ok  configuration/configuration-TEST.yml\n"
        "ok  configuration/configuration-flights.yml\n"
        "ok  configuration/schemas/flights.yml\n"
        "ok  notebooks/01-train-model.ipynb\n"
        "5 files checked, no mistakes.\n"
    )


def test_right_files_are_listed_beside_wrong_ones(
    lay_over: LayOver, capsys: pytest.CaptureFixture[str]
) -> None:
    lay_over("region")
    assert cli.main(["check"]) == 2
    assert capsys.readouterr().out == (
        "ok  configuration/configuration-flights.yml\n"
        "ok  configuration/schemas/flights.yml\n"
        "ok  notebooks/01-train-model.ipynb\n"
    )


def test_this_repository_is_right(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WORKBENCH_ROOT", raising=False)
    assert cli.main(["check"]) == 0, capsys.readouterr().err


def test_private_files_in_git_are_refused(good_project: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    root = good_project.root
    (root / "config.json").write_text("{}", encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    assert cli.main(["check"]) == 0
    subprocess.run(["git", "-C", str(root), "add", "config.json"], check=True)
    capsys.readouterr()
    assert cli.main(["check"]) == 2
    assert capsys.readouterr().err == (
        "error: config.json:1: is tracked by git, and it names a workspace and may hold credentials. "
        "Remove it from git: git rm --cached config.json\n"
    )


@pytest.mark.parametrize("obstacle", ["another owner", "no git", "broken"])
def test_what_git_refuses_to_tell_is_not_called_right(
    good_project: Layout,
    obstacle: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = good_project.root
    (root / "config.json").write_text("{}", encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    subprocess.run(["git", "-C", str(root), "add", "-f", "config.json"], check=True)
    reasons = {
        "another owner": f"git does not trust {root}, which another user owns. "
        f"Trust it with: git config --global --add safe.directory {root}",
        "no git": "git is not installed. Install it, or put it on PATH.",
        "broken": "git says: fatal: bad config line 2 in file .git/config",
    }
    if obstacle == "another owner":
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    elif obstacle == "no git":
        monkeypatch.setenv("PATH", str(root))
    else:
        (root / ".git" / "config").write_text("[", encoding="utf-8")
    assert cli.main(["check"]) == 2
    said = f"it is not known whether git tracks this private file: {reasons[obstacle]}"
    assert capsys.readouterr().err == f"error: config.json:1: {said}\n"
    (root / "config.json").unlink()
    assert cli.main(["check"]) == 0
    assert capsys.readouterr().err == f"warning: git was not asked for private files: {reasons[obstacle]}\n"


def test_scripts_that_are_being_edited(good_project: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    changes = {
        "ingest": ("def build_parser() ->", "def build_parser( ->"),
        "train": ("argparse.ArgumentParser(desc", "argparse.ArgumentPaser(desc"),
        "batch_score": ("build_parser", "make_parser"),
    }
    for name, (old, new) in changes.items():
        path = good_project.src / f"{name}.py"
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    assert cli.main(["check", "--environment", "DEV"]) == 2
    file = "configuration/configuration-flights.yml"
    assert capsys.readouterr().err == (
        f"error: {file}:9: step 'ingest': src/ingest.py:10: not valid Python: invalid syntax.\n"
        f"{file}:15: step 'train': build_parser() of src/train.py fails: "
        "AttributeError: module 'argparse' has no attribute 'ArgumentPaser'.\n"
        f"{file}:25: step 'batch_score': src/batch_score.py:1: "
        "a Core Script must have a build_parser() that returns its ArgumentParser.\n"
    )
