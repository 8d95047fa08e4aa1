"""Errors that a person can fix: each one is a message and an exit code, never a traceback."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake in one file."""

    file: str  # the file as a person would type it, relative to the project's root
    line: int  # line in the file, from 1
    message: str  # what is wrong and how to fix it, in one or two sentences

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class WorkbenchError(Exception):
    """An expected failure; ``str(error)`` is all a person needs to read."""

    exit_code = 1


class StepFailed(WorkbenchError):
    """A Core Script or a notebook failed."""


class UsageError(WorkbenchError):
    """A command was called with words that it does not know."""

    exit_code = 2


class ConfigurationError(WorkbenchError):
    """The configuration holds mistakes: all of them, each with its place."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class GateRejected(WorkbenchError):
    """The pipeline worked and the gate said no."""

    exit_code = 3
