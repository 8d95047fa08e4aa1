"""The parser of a Core Script, built without the libraries that the rest of the script imports."""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

from operation.engine.foundation import syntax
from operation.engine.foundation.errors import UsageError
from operation.engine.identity.loading import sibling_imports

EFFECTS = "effects_stand"
ELSEWHERE = "digests_elsewhere"
SAME_BYTES = "same_bytes"  # arguments, by their names in Python, on which no byte of the outputs depends
DESCRIBE = "describe_definition"


def build_parser(script: Path, text: str | None = None) -> argparse.ArgumentParser:
    """Return the parser that the script builds."""
    with sibling_imports(script.parent):
        return _build(script, text)


@contextmanager
def _parser(script: Path) -> Iterator[argparse.ArgumentParser]:
    """Give the parser; in the block the functions that it declares find their modules and paths."""
    with sibling_imports(script.parent), chdir(script.parent.parent):
        yield _build(script)


def _build(script: Path, text: str | None = None) -> argparse.ArgumentParser:
    source = script.read_text(encoding="utf-8") if text is None else text
    try:
        tree = syntax.parse(source, filename=str(script))
    except SyntaxError as error:
        raise UsageError(f"{script}:{error.lineno}: not valid Python: {error.msg}.") from error
    namespace: dict[str, object] = {
        "__name__": script.stem,
        "__file__": str(script),
        "__doc__": ast.get_docstring(tree),
    }
    exec(compile(_slice(tree, script), str(script), "exec"), namespace)  # noqa: S102 - the project's own source
    parser = namespace["build_parser"]()  # type: ignore[operator]
    assert isinstance(parser, argparse.ArgumentParser)  # noqa: S101
    return parser


def effects_stand(script: Path, argv: Sequence[str]) -> bool:
    """Tell whether what `script` did outside its outputs, called with `argv`, is still so.

    Asks the function that its ``build_parser()`` declares: ``parser.set_defaults(effects_stand=function)``
    takes the parsed arguments. What goes wrong there is for the script to say when it is executed.
    """
    with _parser(script) as parser:
        stands = parser.get_default(EFFECTS)
        try:
            return stands is None or bool(stands(parser.parse_args(list(argv))))
        except (Exception, SystemExit):  # noqa: BLE001 - whatever the project's code raises
            return False


def digests_elsewhere(script: Path, values: Mapping[str, object]) -> dict[str, str]:
    """Return argument -> digest of what it names that is neither an input nor in the project.

    Asks the function that ``build_parser()`` declares: ``parser.set_defaults(digests_elsewhere=function)``
    takes the values by their names in Python. What goes wrong there is for the script to say.
    """
    with _parser(script) as parser:
        try:
            return dict(parser.get_default(ELSEWHERE)(argparse.Namespace(**values)))
        except (Exception, SystemExit):  # noqa: BLE001 - whatever the project's code raises
            return {}


def describe_definition(script: Path, file: str) -> dict[str, Any]:
    """Return what a definition file holds, as the function that ``build_parser()`` declares reads it.

    ``parser.set_defaults(describe_definition=function)`` takes its path. Raises UsageError for its mistakes.
    """
    with _parser(script) as parser:
        try:
            return dict(parser.get_default(DESCRIBE)(Path(file)))
        except Exception as error:  # the project's code says what is wrong with the file
            raise UsageError(str(error)) from error


def _slice(tree: ast.Module, script: Path) -> ast.Module:
    """Keep the statements that ``build_parser`` reaches by name, in their order."""
    defined = {name: node for node in tree.body for name in _binds(node)}
    if "build_parser" not in defined:
        raise UsageError(
            f"{script}:1: a Core Script must have a build_parser() that returns its ArgumentParser."
        )
    reached: set[str] = set()
    waiting = ["build_parser"]
    while waiting:
        name = waiting.pop()
        if name in defined and name not in reached:
            reached.add(name)
            waiting += _uses(defined[name])
    future = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    kept = [node for node in tree.body if node not in future and reached & set(_binds(node))]
    return ast.Module(body=[*future, *kept], type_ignores=[])


def _binds(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).split(".")[0] for alias in node.names]
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return [
            one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
        ]
    return []


def _uses(node: ast.stmt) -> Iterable[str]:
    """Names that executing or calling `node` looks up; annotations are never evaluated."""
    skipped: set[ast.AST] = set()
    for one in ast.walk(node):
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.returns:
            skipped |= set(ast.walk(one.returns))
        if isinstance(one, ast.arg | ast.AnnAssign) and one.annotation:
            skipped |= set(ast.walk(one.annotation))
    return [one.id for one in ast.walk(node) if isinstance(one, ast.Name) and one not in skipped]
