"""Which libraries notebooks will import, so that they can be imported once, before the forks."""

import re
from collections.abc import Iterable, Mapping
from functools import cache, partial
from pathlib import Path

from operation.engine.foundation.layout import project
from operation.engine.identity.digests import Memory
from operation.engine.identity.meaning import read_cell
from operation.engine.identity.notebook_parameters import code_cells, step_calls
from operation.engine.identity.source import CodeFolder

_FIGURES = "matplotlibrc"
_SETS_VARIABLES = re.compile(r"\benviron\b|\bputenv\b|%(set_)?env\b")


def libraries(notebooks: Iterable[Path], scripts: Mapping[str, Path]) -> list[str]:
    """Return the modules that the cells, and the Core Scripts that they call, import anywhere.

    `scripts` are those of all steps. Nothing is executed. The modules stand in the order of their first
    import, never a file that lies beside a notebook or a script. There are none when a notebook sets
    environment variables or ``matplotlibrc`` lies beside it: libraries read them when they are imported.
    """
    notebooks, memory = list(notebooks), Memory(project().runs / "digests.db")
    if any(
        (folder / _FIGURES).is_file() for folder in (Path.cwd(), *(notebook.parent for notebook in notebooks))
    ):
        return []
    modules: dict[str, None] = {}
    folder = cache(partial(CodeFolder, memory=memory))
    for notebook in notebooks:
        texts = [text for _, _, text in code_cells(notebook)]
        if any(_SETS_VARIABLES.search(text) for text in texts):
            return []
        beside = folder(notebook.parent)
        cells = [read_cell(text, beside.own, memory) for text in texts]
        codes = [*filter(None, cells), *(beside.code(file) for file in notebook.parent.glob("*.py"))]
        called = {scripts[call.step] for call in step_calls(notebook) if call.step in scripts}
        for script in sorted(called):
            src = folder(script.parent)
            codes += [src.code(file) for file in src.closure([script]) if file.suffix == ".py"]
        own = beside.own.union(*(folder(script.parent).own for script in called))
        names = [one.module for code in codes for one in code.imports if not one.level]
        modules.update(dict.fromkeys(name for name in names if name.partition(".")[0] not in own))
    return list(modules)
