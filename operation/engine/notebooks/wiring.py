"""Notebooks against the use case: an output that is handed past a step which the use case puts in between."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from operation.engine.configuration import Configuration, Step
from operation.engine.foundation import syntax
from operation.engine.foundation.errors import Problem
from operation.engine.identity.notebook_parameters import code_cells
from operation.engine.notebooks.origins import CoreCall, Origin, Reader

Reference = tuple[str, str]  # step and output

# a service has the model of the first of these Core Scripts that the use case has
_SERVED = ("register.py", "evaluate.py", "batch_score.py")
_TIMED = re.compile(r"^([ \t]*)%%?time(?:it)?\b[ \t]*", re.MULTILINE)
_MAGIC = re.compile(r"^([ \t]*)[%!].*", re.MULTILINE)
_SOURCE = re.compile(r'\s*"source": (\[?)')


def wiring_problems(path: Path, file: str, configured: Configuration) -> list[Problem]:
    """Return each input to which a notebook hands another step's output than the use case does.

    Another input is no mistake by itself: only what goes past a step, or is the same output of another step,
    is taken for one. ``using=`` says that it is meant.
    """
    reader, starts = Reader(), _starts(path)
    problems = []
    for index, _, source in code_cells(path):
        for call in reader.calls(_parse(source)):
            messages = (_message(mixup, configured) for mixup in _mixups(call, configured))
            start, own_lines = starts[index] if index < len(starts) else (1, 0)
            line = start + call.line * own_lines
            problems += [Problem(file, line, message) for message in messages if message]
    return problems


class _Mixup(NamedTuple):
    call: str  # the function of `core`
    argument: str  # empty where it is positional
    origin: Origin  # what the notebook hands over
    reader: str  # the step that reads it in the use case
    wired: Reference  # from where


def _starts(path: Path) -> list[tuple[int, int]]:
    """Return for each cell the line of its ``"source"``, and 1 where its own lines follow there, else 0."""
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    return [(number, len(match[1])) for number, line in lines if (match := _SOURCE.match(line))]


def _parse(source: str) -> ast.Module:
    """Parse a cell without its magics and shell lines; what is still no Python is left out."""
    try:
        return syntax.parse(_MAGIC.sub(r"\1pass", _TIMED.sub(r"\1", source)))
    except SyntaxError:
        return ast.Module([], [])


def _mixups(call: CoreCall, configured: Configuration) -> Iterator[_Mixup]:
    readers = _served(configured) if call.step == "serve" else _named(configured, call.step)
    for argument, origins in call.arguments.items():
        name = argument.replace("_", "-") or "model"  # the one positional argument is that of core.serve()
        wired = [(step.name, ref) for step in readers if (ref := _reference(configured, step, name))]
        for origin in origins:
            if wired and (origin.step, origin.output) not in [reference for _, reference in wired]:
                reader, reference = wired[0]
                yield _Mixup(call.step, argument, origin, reader, reference)


def _reference(configured: Configuration, step: Step, name: str) -> Reference | None:
    reference = configured.reference(step.inputs.get(name))
    return (reference[0], reference[1].replace("-", "_")) if reference else None


def _named(configured: Configuration, name: str) -> list[Step]:
    return [configured.steps[name]] if name in configured.steps else []


def _served(configured: Configuration) -> list[Step]:
    """Return the steps whose model is to be served."""
    by_script = [[step for step in configured.steps.values() if step.script.name == name] for name in _SERVED]
    return next(filter(None, by_script), [])


def _message(mixup: _Mixup, configured: Configuration) -> str | None:
    """Say what is mixed up and how to fix it; nothing where the input may well be another one."""
    origin, (step, output) = mixup.origin, mixup.wired
    if origin.step not in configured.steps or origin.step == step:
        return None
    is_before = origin.step in configured.upstream(configured.steps[step].inputs.values())
    if not is_before and origin.output != output:
        return None
    argument = f"{mixup.argument}=" if mixup.argument else ""
    given = f"core.{mixup.call}({argument}...) is given {origin.step}.{origin.output}"
    owner = f"step '{mixup.reader}' of the use case '{configured.use_case}'"
    return f"{given}, but {owner} reads {step}.{output}. {_fix(mixup, is_before=is_before)}."


def _fix(mixup: _Mixup, *, is_before: bool) -> str:
    origin = mixup.origin
    using = f"using={origin.text}" if is_before else f"using={{'{mixup.wired[0]}': {origin.text}}}"
    usual, variant = f"leave {mixup.argument}= out", f"replace it by {using}"
    if mixup.call == "serve":
        served = f"serve core.{mixup.reader}.input('model'"
        usual, variant = f"{served})", f"{served}, {using})"
    options = [usual] if origin.is_configured or not is_before else []
    options += [variant] if not (origin.is_configured and is_before) else []
    text = ", or to compare, ".join(options)
    return text[0].upper() + text[1:]
