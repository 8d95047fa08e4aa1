"""Every command, file and code of the README is what it says."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex

import pytest

from operation import cli
from operation.engine.foundation.layout import project

ROOT = project().root
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(
    {match.split("#")[0].strip("` \n") for match in re.findall(r"python3 -m operation [^`\n]*", TEXT)}
)


def test_the_readme_shows_commands() -> None:
    assert len(COMMANDS) > 12


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_understood(command: str) -> None:
    words = shlex.split(command)[3:]
    module = importlib.import_module(f"operation.commands.{words[0].replace('-', '_')}")
    parser = argparse.ArgumentParser(prog=words[0])
    module.add_arguments(parser)
    parser.parse_args(words[1:])


def test_every_command_of_the_command_line_is_in_the_readme() -> None:
    shown = {shlex.split(command)[3] for command in COMMANDS}
    assert shown == set(cli.COMMANDS)


def test_every_file_of_the_trees_exists() -> None:
    trees = TEXT.split("## What is where")[1].split("```")[1:4:2]
    named = re.findall(r"[\w./-]+\.(?:py|yml|lock)|\b\d\d-[a-z-]+", "".join(trees))
    assert len(named) > 15
    names = {
        path.name for folder in ("src", "notebooks", "configuration") for path in (ROOT / folder).iterdir()
    }
    names |= {path.name for path in ROOT.iterdir()}
    assert [name for name in named if not {name, f"{name}.ipynb"} & names] == []


def test_every_folder_of_the_trees_exists_and_every_layer_is_named() -> None:
    trees = "".join(TEXT.split("## What is where")[1].split("```")[1:4:2])
    named = [re.findall(r"[\w/]+/", line.strip().split("    ")[0]) for line in trees.splitlines()]
    folders = {folder.rstrip("/").rpartition("/")[2] for line in named for folder in line}
    known = {
        path.name for folder in ("src", "operation") for path in (ROOT / folder).rglob("*") if path.is_dir()
    }
    known |= {path.name for folder in ("configuration", ".") for path in (ROOT / folder).iterdir()}
    assert folders - known - {"runs"} == set()
    layers = {
        path.name for path in (ROOT / "operation" / "engine").iterdir() if (path / "__init__.py").exists()
    }
    assert layers <= folders


def test_the_picture_is_small_and_there() -> None:
    (picture,) = re.findall(r"!\[[^]]+\]\(([^)]+)\)", TEXT)
    assert 20_000 < (ROOT / picture).stat().st_size < 300_000


def test_the_exit_codes_are_those_of_the_errors() -> None:
    from operation.engine.foundation import errors

    codes = {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and hasattr(kind, "exit_code")
    }
    assert codes <= {int(code) for code in re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE)}
