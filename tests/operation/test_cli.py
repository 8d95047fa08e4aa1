"""The command line is a light wrapper: what it passes on, and what it makes of errors."""

from __future__ import annotations

import argparse
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from operation import cli
from operation.engine.foundation.errors import (
    ConfigurationError,
    GateRejected,
    Problem,
    StepFailed,
    UsageError,
)
from operation.engine.identity.contract import actions_of

ROOT = Path(__file__).resolve().parents[2]


def stand_in(
    monkeypatch: pytest.MonkeyPatch, error: BaseException | None = None, *, rest: bool = False
) -> list[object]:
    """Put a command in the place of ``version`` that raises `error`; return what it is called with."""
    calls: list[object] = []

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--environment")
        if rest:
            parser.set_defaults(rest=[])

    def run(args: argparse.Namespace) -> int:
        calls.append(args)
        if error is not None:
            raise error
        return 0

    module = SimpleNamespace(add_arguments=add_arguments, run=run)
    monkeypatch.setitem(sys.modules, "operation.commands.version", module)
    return calls


def test_help_lists_every_command_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    bare = capsys.readouterr().out
    assert cli.main(["--help"]) == 0
    assert capsys.readouterr().out == bare
    for command, summary in cli.COMMANDS.items():
        assert re.search(rf"^  {command} +{re.escape(summary)}$", bare, re.MULTILINE)


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_has_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"usage: python3 -m operation {command}" in shown
    assert re.search(rf"examples?:\s+python3 -m operation {command}\b", shown)


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_an_option_of_several_values_may_be_given_again(command: str) -> None:
    parser = argparse.ArgumentParser(argument_default=argparse.SUPPRESS)
    importlib.import_module(f"operation.commands.{command}").add_arguments(parser)
    for action in actions_of(parser):
        action.required = False
    several = [one for one in actions_of(parser) if one.option_strings and one.nargs in ("+", "*")]
    for action in several:
        words = [word for value in ("a", "b") for word in (action.option_strings[0], value)]
        assert getattr(parser.parse_args(words), action.dest) == ["a", "b"]


def test_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["vresion"]) == 2
    assert capsys.readouterr().err == (
        "error: there is no command 'vresion'. Did you mean 'version'? "
        f"Commands: {', '.join(list(cli.COMMANDS)[:-1])} and version.\n"
    )


def test_option_before_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--environment", "DEV", "run"]) == 2
    assert capsys.readouterr().err.startswith(
        "error: write option --environment behind the command. Commands: "
    )


def test_a_name_of_before_answers_with_the_one_of_now(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rehearse"]) == 2
    assert capsys.readouterr().err.startswith(
        "error: there is no command 'rehearse'. It is called emulator now. Commands: lab, "
    )
    assert cli.main(["submit", "pipeline", "--rehearse"]) == 2
    assert capsys.readouterr().err.endswith(
        "unrecognized arguments: --rehearse. It is called --emulator now.\n"
    )


def test_unknown_option_names_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch)
    assert cli.main(["version", "--enviroment=DEV"]) == 2
    said = "error: unrecognized arguments: --enviroment=DEV. Did you mean '--environment'?\n"
    assert capsys.readouterr().err.endswith(said)


def test_words_are_passed_on_where_a_command_asks_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = stand_in(monkeypatch, rest=True)
    assert cli.main(["version", "-k", "gate", "--environment", "DEV", "tests/src"]) == 0
    assert cli.main(["version", "--", "-x"]) == 0
    assert [vars(call) for call in calls if isinstance(call, argparse.Namespace)] == [
        {"environment": "DEV", "rest": ["-k", "gate", "tests/src"]},
        {"environment": None, "rest": ["-x"]},
    ]


@pytest.mark.parametrize(
    ("error", "code"),
    [(StepFailed("it broke"), 1), (UsageError("it broke"), 2), (GateRejected("it broke"), 3)],
)
def test_expected_errors_are_one_message(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, error)
    assert cli.main(["version"]) == code
    assert capsys.readouterr().err == "error: it broke\n"


def test_all_problems_of_a_configuration_are_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, ConfigurationError([Problem("b.yml", 2, "two"), Problem("a.yml", 1, "one")]))
    assert cli.main(["version"]) == 2
    assert capsys.readouterr().err == "error: a.yml:1: one\nb.yml:2: two\n"


def test_interrupt(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    stand_in(monkeypatch, KeyboardInterrupt())
    assert cli.main(["version"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.parametrize("writable", [True, False])
def test_defect_leaves_a_crash_log(
    writable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    if not writable:
        (tmp_path / "runs").write_text("a file where the folder belongs", encoding="utf-8")
    stand_in(monkeypatch, ValueError("never expected"))
    assert cli.main(["version", "--environment", "DEV"]) == 70
    said = capsys.readouterr().err
    assert said.startswith("error: a defect of the workbench, not of your work: ValueError: never expected\n")
    named = re.search(r"The details are in (.*); please report them\.", said)
    assert named is not None
    log = Path(named[1])
    assert (log.parent == tmp_path / "runs") is writable
    text = log.read_text(encoding="utf-8")
    log.unlink()
    assert text.startswith("command: python3 -m operation version --environment DEV\npython: 3.11.")
    assert text.endswith("ValueError: never expected\n")


@pytest.mark.skipif(os.name == "nt", reason="closed pipes are a POSIX matter")
def test_reader_that_leaves_is_no_defect() -> None:
    command = [sys.executable, "-X", "workbench", "-m", "operation", "--help"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert b"Traceback" not in done.stderr
    assert b"defect" not in done.stderr
