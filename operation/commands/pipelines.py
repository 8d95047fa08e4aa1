"""Write the pipelines of both CI systems from the list of stages."""

import argparse
import importlib
from pathlib import Path
from typing import NoReturn

from operation.engine.foundation.errors import ConfigurationError
from operation.engine.foundation.layout import Layout, project
from operation.engine.foundation.nearest import did_you_mean
from operation.engine.identity.contract import actions_of
from operation.engine.pipelines.tree import Findings
from operation.engine.pipelines.writing import expected_files


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare ``write``."""
    parser.description = (
        "Write operation/pipelines/azure/ and .github/workflows/ from operation/pipelines/pipelines.yml and "
        "the environments in configuration/. `new environment` does it too."
    )
    parser.epilog = "example: python3 -m operation pipelines write"
    parser.add_argument("action", choices=["write"])


def run(args: argparse.Namespace) -> int:
    """Write the files that changed."""
    del args
    layout = project()
    written = write_pipelines(layout)
    for path in written:
        print(f"wrote {layout.relative(path)}")
    if not written:
        print("nothing to do: every pipeline is as the list of stages gives it")
    return 0


def write_pipelines(layout: Layout) -> list[Path]:
    """Write every file that differs from what the list gives; return them."""
    findings = Findings()
    files = expected_files(layout, findings)
    if findings.problems:
        raise ConfigurationError(findings.problems)
    changed = [
        path for path, text in files.items() if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], encoding="utf-8", newline="\n")
    return changed


class _Raising(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def command_problem(words: list[str]) -> str | None:
    """Return what is wrong with the words behind ``python -m operation``, None where nothing is."""
    names = sorted(path.stem.replace("_", "-") for path in Path(__file__).parent.glob("[a-z]*.py"))
    names = [name for name in names if name != "options"]
    if not words or words[0] not in names:
        word = words[0] if words else ""
        return f"there is no command '{word}'.{did_you_mean(word, names)}"
    module = importlib.import_module(f"operation.commands.{words[0].replace('-', '_')}")
    parser = _Raising(prog=words[0], allow_abbrev=False, add_help=False)
    module.add_arguments(parser)
    try:
        _, rest = parser.parse_known_args(words[1:])
    except ValueError as error:
        return f"{error}."
    if rest and parser.get_default("rest") is None:
        options = [option for action in actions_of(parser) for option in action.option_strings]
        return f"unknown argument {rest[0]}.{did_you_mean(rest[0].partition('=')[0], options)}"
    return None
