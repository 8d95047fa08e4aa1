"""Which libraries notebooks will import, so that they can be imported once, before the forks."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from operation.engine.foundation import syntax
from operation.engine.identity.notebook_parameters import code_cells, step_calls
from operation.engine.identity.source import dependencies

_FIGURES = "matplotlibrc"
_SETS_VARIABLES = re.compile(r"\benviron\b|\bputenv\b|%(set_)?env\b")


def libraries(notebooks: Iterable[Path], scripts: Mapping[str, Path]) -> list[str]:
    """Return the modules that the cells, and the Core Scripts that they call, import at their top.

    `scripts` are those of all steps. Nothing is executed. The modules stand in the order of their first
    import, never a file that lies beside a notebook or a script. There are none when a notebook sets
    environment variables or ``matplotlibrc`` lies beside it: libraries read them when they are imported.
    """
    notebooks = list(notebooks)
    if any(
        (folder / _FIGURES).is_file() for folder in (Path.cwd(), *(notebook.parent for notebook in notebooks))
    ):
        return []
    modules: dict[str, None] = {}
    for notebook in notebooks:
        texts = [text for _, _, text in code_cells(notebook)]
        if any(_SETS_VARIABLES.search(text) for text in texts):
            return []
        called = {call.step for call in step_calls(notebook)} & set(scripts)
        files = [*notebook.parent.glob("*.py")]
        for step in sorted(called):
            files += [file for file in dependencies(scripts[step]) if file.suffix == ".py"]
        own = {file.stem for file in files} | {file.parent.name for file in files}  # modules, packages
        texts = [*texts, *(file.read_text(encoding="utf-8") for file in files)]
        names = [name for text in texts for name in _imports(text) if name.partition(".")[0] not in own]
        modules.update(dict.fromkeys(names))
    return list(modules)


def _imports(text: str) -> Iterator[str]:
    """Yield the modules that `text` imports outside functions and classes."""
    try:
        tree = syntax.parse(text)
    except SyntaxError:  # magics and shell lines are IPython's
        return
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
