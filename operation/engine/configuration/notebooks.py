"""The notebooks of a use case: that they exist, and know the parameters that they are given."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from operation.engine.configuration.documents import KeyPath
from operation.engine.configuration.models import NotebookModel
from operation.engine.configuration.variables import is_open
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.nearest import did_you_mean, listed
from operation.engine.identity.notebook_parameters import read_parameters


def notebook_problems(entries: Sequence[NotebookModel], layout: Layout) -> Iterator[tuple[KeyPath, str]]:
    """Yield every mistake in the use case's list of notebooks, with its place in the file."""
    names: set[str] = set()
    for index, entry in enumerate(entries):
        key_path: KeyPath = ("notebooks", index, "name")
        path = layout.notebooks / f"{entry.name}.ipynb"
        if not entry.name:
            continue  # already a problem
        if entry.name in names:
            yield (
                key_path,
                f"notebook '{entry.name}' is listed twice: its reports would overwrite each other.",
            )
        elif not path.is_file():
            yield key_path, _missing(entry.name, layout)
        else:
            yield from _parameters(index, entry, path)
        for name in entry.after:
            if name not in names:
                hint = did_you_mean(name, names) or " Only a notebook that is listed above it can be named."
                yield (
                    ("notebooks", index, "after"),
                    f"notebook '{entry.name}' comes after '{name}', which is not listed above it.{hint}",
                )
        names.add(entry.name)


def _missing(name: str, layout: Layout) -> str:
    known = sorted(path.stem for path in layout.notebooks.glob("*.ipynb"))
    stem = name.removesuffix(".ipynb")
    if stem in known:
        return f"notebooks are named without their suffix: write '{stem}'."
    hint = did_you_mean(stem, known) or f" Known: {listed(known, 'and')}."
    return f"there is no notebook notebooks/{stem}.ipynb.{hint}"


def _parameters(index: int, entry: NotebookModel, path: Path) -> Iterator[tuple[KeyPath, str]]:
    try:
        known = read_parameters(path)
    except UsageError as error:
        yield ("notebooks", index, "name"), str(error)
        return
    for name, value in entry.parameters.items():
        key_path = ("notebooks", index, "parameters", name)
        if name not in known:
            hint = did_you_mean(name, known) or f" It has {listed(known, 'and')}."
            yield key_path, f"notebook '{entry.name}' has no parameter '{name}'.{hint}"
        elif not is_open(value) and (problem := known[name].problem(value)):
            yield key_path, f"parameter '{name}' of notebook '{entry.name}': {problem}."
