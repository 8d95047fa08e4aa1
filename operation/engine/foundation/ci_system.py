"""What a command tells the CI system that executes it: output variables, warnings, a Markdown summary."""

import os
import sys
import uuid
from pathlib import Path

AZURE, GITHUB = "azure", "github"
SYSTEMS = (AZURE, GITHUB)
_SIGNS = {AZURE: "TF_BUILD", GITHUB: "GITHUB_ACTIONS"}  # variables that the systems set themselves


def recognised() -> str | None:
    """Return the CI system that this process runs in; None on a developer's machine."""
    return next((system for system, sign in _SIGNS.items() if os.environ.get(sign)), None)


def set_output(system: str | None, name: str, value: str) -> None:
    """Set an output variable of the pipeline's step, for the conditions of later stages."""
    if system == AZURE:
        _command(f"##vso[task.setvariable variable={name};isOutput=true]{_escaped(value, '%AZP25')}")
    elif system == GITHUB:
        end = uuid.uuid4().hex  # the value may hold lines of any kind
        _append("GITHUB_OUTPUT", f"{name}<<{end}\n{value}\n{end}\n")


def warn(system: str | None, message: str) -> None:
    """Show a warning on the page of the pipeline's run; the step stays green."""
    if system == AZURE:
        _command(f"##vso[task.logissue type=warning]{_escaped(message, '%AZP25')}")
    elif system == GITHUB:
        _command(f"::warning::{_escaped(message, '%25')}")


def add_summary(system: str | None, file: Path) -> None:
    """Show a Markdown file on the page of the pipeline's run; Azure has the tab Extensions for it."""
    if system == AZURE:
        _command(f"##vso[task.uploadsummary]{file.absolute()}")
    elif system == GITHUB:
        _append("GITHUB_STEP_SUMMARY", file.read_text(encoding="utf-8") + "\n")


def _command(line: str) -> None:
    print(line, flush=True)


def _escaped(text: str, percent: str) -> str:
    """Return `text` on one line, as both systems decode it; each has a form of its own for `percent`."""
    return text.replace("%", percent).replace("\r", "%0D").replace("\n", "%0A")


def _append(variable: str, text: str) -> None:
    file = os.environ.get(variable)
    if not file:
        print(f"warning: {variable} is not set: nothing was handed to GitHub", file=sys.stderr)
        return
    with Path(file).open("a", encoding="utf-8") as stream:
        stream.write(text)
