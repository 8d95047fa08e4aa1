"""Which notebooks a new use case has."""

import re
from pathlib import Path

from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.identity.annotations import is_json
from operation.engine.identity.notebook_parameters import printable, read_parameters, step_calls


def notebooks_of(layout: Layout) -> dict[str, str]:
    """Return why each notebook cannot be executed, empty where it can; without those that lack a step."""
    lacking = {path.stem for path in layout.src.glob("*.py")} - _step_names()
    problems = {path: _unreadable(path) for path in sorted(layout.notebooks.glob("[0-9]*.ipynb"))}
    return {
        path.stem: problem
        for path, problem in problems.items()
        if problem or lacking.isdisjoint(call.step for call in step_calls(path))
    }


def _step_names() -> set[str]:
    """Return the names of the steps that a new use case has."""
    template = Path(__file__).with_name("use_case.yml.j2").read_text(encoding="utf-8")
    return set(re.findall(r"^  (\w+):$", template.partition("\nsteps:")[2], re.MULTILINE))


def _unreadable(notebook: Path) -> str:
    """Return why a use case cannot name a notebook, or its parameters cannot be read; empty where all can."""
    if not is_json(notebook.name):
        return f"{printable(notebook.name)}: its name is not UTF-8: rename it"
    try:
        read_parameters(notebook)
    except UsageError as error:
        return str(error)
    return ""
