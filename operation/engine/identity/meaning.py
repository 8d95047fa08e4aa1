"""What one piece of Python means: its imports, its definitions by digest, and what it asks of itself."""

import ast
import builtins
import hashlib
import io
import json
import sys
import tokenize
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeGuard

from operation.engine.foundation import syntax
from operation.engine.foundation.errors import UsageError
from operation.engine.identity.digests import Memory

MODULE = "<module>"
_ANY_MODULE = {"import_module", "__import__", "runpy", "spec_from_file_location", "exec", "eval"}
_TRAITS = {
    "any module": _ANY_MODULE | {"builtins", "__builtins__"},
    "data": {"__file__", "resources", "pkgutil"},
    "docstrings": {"__doc__", "getdoc", "doctest", "help", "json_schema", "model_json_schema"},
    "text": {"inspect", "getsource", "linecache", "tokenize", "cloudpickle", "dill", "In", "_ih", "_i"},
}
_METHODS = {"exec", "eval"}  # of tables, models and databases: as attributes they import nothing
# Libraries that turn the docstrings of any class or function they are given into output.
_READS_DOCSTRINGS = {"click", "docstring_parser", "fastapi", "fire", "luigi", "typer"}
_Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Import(NamedTuple):
    """``from <level dots><module> import <name>``; without a name ``import <module>``."""

    level: int
    module: str
    name: str = ""


class Code(NamedTuple):
    """What a file of Python means."""

    imports: tuple[Import, ...]  # all of them, those inside functions too
    # ``any module``: imports what its text does not name; ``data``: looks for files beside it;
    # ``docstrings``, ``text``: reads those of code, so that they count
    traits: frozenset[str]
    # name of a top-level function or class -> digest of its syntax tree; all other statements, and the order
    # of the definitions, are ``<module>``
    parts: dict[str, str]
    docstrings: str  # digest of the docstrings, which are in no part
    # attributes and whatever else may name one: imported names, and texts that are names
    names: frozenset[str]


def read_code(path: Path, text: bytes, own: frozenset[str], memory: Memory | None = None) -> Code:
    """Return what `text`, which stands at `path`, means.

    Parameters
    ----------
    own : frozenset of str
        Names of the modules that are the project's own: no foreign library is behind them.
    memory : Memory, optional
        What was worked out before.

    Raises
    ------
    UsageError
        When it is not Python.
    """
    found = _remembered(text, own, memory, lambda: _read(path, text, own))
    assert found is not None  # noqa: S101 - what is not Python has raised
    return found


def _remembered(
    text: bytes, own: frozenset[str], memory: Memory | None, read: Callable[[], Code | None]
) -> Code | None:
    """Return what was worked out about `text` before, or `read` it."""
    if memory is None:
        return read()
    parts = (_formula(), "\n".join(sorted(own)).encode(errors="surrogateescape"), text)
    key = hashlib.sha256(b"\0".join(parts)).hexdigest()
    known = memory.recall(key) or memory.keep(key, _packed(read()))
    return _unpacked(known)


@lru_cache(maxsize=1)
def _formula() -> bytes:
    """Return what tells this module, and the syntax trees of this Python, from another version's."""
    return Path(__file__).read_bytes() + sys.version.encode()


def _packed(code: Code | None) -> str:
    if code is None:
        return "null"
    return json.dumps([code.imports, sorted(code.traits), code.parts, code.docstrings, sorted(code.names)])


def _unpacked(text: str) -> Code | None:
    if text == "null":
        return None
    imports, traits, parts, docstrings, names = json.loads(text)
    found = tuple(Import(*one) for one in imports)
    return Code(found, frozenset(traits), parts, docstrings, frozenset(names))


@lru_cache(maxsize=512)
def _read(path: Path, text: bytes, own: frozenset[str]) -> Code:
    return _code(parse(path, text), own)


def read_cell(source: str, own: frozenset[str], memory: Memory | None = None) -> Code | None:
    """Return what a notebook's cell means; None when it is not plain Python.

    A text that stands first in it is shown, not a docstring; a semicolon at its end hides what is shown.
    """
    return _remembered(f"cell\0{source}".encode(), own, memory, lambda: _read_cell(source, own))


def _read_cell(source: str, own: frozenset[str]) -> Code | None:
    try:
        tree = syntax.parse(source)
    except (SyntaxError, ValueError):  # magics and shell lines are IPython's
        return None
    tree.body.insert(0, ast.Pass())
    if _is_silent(source):
        tree.body.append(ast.Pass())
    return _code(tree, own)


def _code(tree: ast.Module, own: frozenset[str]) -> Code:
    imports, mentioned = tuple(dict.fromkeys(_imports(tree))), set(_mentioned(tree))
    traits = {trait for trait, words in _TRAITS.items() if words & mentioned}
    if _READS_DOCSTRINGS & {_top(target) for target in imports}:
        traits.add("docstrings")
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    texts = {text for node in ast.walk(tree) if (text := _text(node)).isidentifier()}
    names = frozenset(attributes | texts | {target.name for target in imports})
    docstrings = "\0".join(_take_docstrings(tree, imports, own))
    digest = hashlib.sha256(docstrings.encode(errors="surrogatepass")).hexdigest()
    return Code(imports, frozenset(traits), _parts(tree), digest, names)


def _text(node: ast.AST) -> str:
    """Return the text that a node of the tree stands for, if it is one."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def parse(path: Path, text: bytes) -> ast.Module:
    """Return the syntax tree of a file, or say where it is not Python."""
    try:
        return syntax.parse(text, filename=str(path))
    except SyntaxError as error:
        raise UsageError(f"{path}:{error.lineno}: not valid Python: {error.msg}.") from error


def _imports(tree: ast.Module) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (Import(node.level, node.module or "", alias.name) for alias in node.names)


def _mentioned(tree: ast.Module) -> Iterator[str]:
    harmless = {id(node.func) for node in ast.walk(tree) if _imports_nothing(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.alias):
            yield from node.name.split(".")
        elif isinstance(node, ast.Name) and id(node) not in harmless:
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr if node.attr not in _METHODS else ""
        elif isinstance(node, ast.Constant) and node.value in ("__doc__", "__file__"):  # getattr(module, ...)
            yield str(node.value)


def _imports_nothing(node: ast.AST) -> TypeGuard[ast.Call]:
    """Tell whether a node is ``eval(..., {"__builtins__": {}}, ...)``: no built-ins, no import."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "eval"):
        return False
    return len(node.args) > 1 and ast.unparse(node.args[1]) == "{'__builtins__': {}}"


def _parts(tree: ast.Module) -> dict[str, str]:
    parts: dict[str, list[str]] = {MODULE: []}
    for node in tree.body:
        if isinstance(node, _Documented):
            parts.setdefault(node.name, []).append(ast.dump(node))
            parts[MODULE].append(node.name)
        else:
            parts[MODULE].append(ast.dump(node))
    return {name: hashlib.sha256("\n".join(one).encode()).hexdigest() for name, one in parts.items()}


def _take_docstrings(tree: ast.Module, imports: tuple[Import, ...], own: frozenset[str]) -> Iterator[str]:
    """Take the docstrings out of the tree that no foreign base class or decorator can read."""
    foreign = _foreign_names(tree, imports, own)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | _Documented):
            continue
        text = ast.get_docstring(node, clean=False)
        if text is not None and not (isinstance(node, _Documented) and _roots(node) & foreign):
            yield text
            node.body[0:1] = [] if len(node.body) > 1 else [ast.Pass()]


def _foreign_names(tree: ast.Module, imports: tuple[Import, ...], own: frozenset[str]) -> set[str]:
    """Return the names that may stand for something of a foreign library."""
    familiar = own | sys.stdlib_module_names | {""}
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    defined = {node.name for node in ast.walk(tree) if isinstance(node, _Documented)}
    harmless = {target.name or _top(target) for target in imports if _top(target) in familiar}
    return names - defined - harmless - set(dir(builtins))


def _top(target: Import) -> str:
    """Return the package that an import begins with; of one beside the file itself the empty text."""
    return "" if target.level else target.module.partition(".")[0]


def _roots(node: _Documented) -> set[str]:
    """Return the names that the decorators and base classes of a definition begin with."""
    outer = [*node.decorator_list, *(node.bases if isinstance(node, ast.ClassDef) else ())]
    return {name.id for one in outer for name in ast.walk(one) if isinstance(name, ast.Name)}


def _is_silent(source: str) -> bool:
    """Tell whether IPython shows nothing of a cell's last expression: a semicolon ends it."""
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER, tokenize.DEDENT}
    found = [one for one in tokenize.generate_tokens(io.StringIO(source).readline) if one.type not in skipped]
    return bool(found) and found[-1].string == ";"
