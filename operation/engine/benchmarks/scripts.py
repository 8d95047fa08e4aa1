"""A notebook's cells as a plain script: what the same work costs without any notebook."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

from operation.engine.errors import UsageError
from operation.engine.notebooks.parameters import code_cells

_DISPLAY = "display = lambda *shown, **_: print(*shown)"


def as_script(notebook: Path, folder: Path, values: Mapping[str, object]) -> str:
    """Return the code cells of `notebook` as a script that finds what the notebook finds in `folder`.

    Parameters
    ----------
    folder : Path
        The notebook's own: ``core.py`` is there.
    values : mapping
        Parameter -> value; assigned behind the parameters cell.

    Raises
    ------
    UsageError
        A cell is not plain Python: no script does the same.
    """
    lines = ["import sys", f"sys.path.insert(0, {str(folder)!r})", _DISPLAY]
    for index, cell, source in code_cells(notebook):
        try:
            ast.parse(source)
        except SyntaxError as error:
            raise UsageError(
                f"{notebook.name}, cell {index}: not plain Python, so no plain script does the same: "
                f"{error.msg}. Name another notebook: --notebook NAME."
            ) from error
        lines.append(source)
        if "parameters" in cell.get("metadata", {}).get("tags", []):
            lines += [f"{name} = {value!r}" for name, value in values.items()]
    return "\n".join(lines) + "\n"
