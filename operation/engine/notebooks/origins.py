"""Which step's output an expression of a notebook is: ``trained.model`` is `model` of ``core.train()``."""

import ast
from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace
from typing import Literal

_ELEMENTS = {"items", "values", "get", "pop", "copy"}  # methods of containers: what they hold comes through
_ADDING = {"append", "add", "extend"}
# functions that return what they are given, or hold it
_TRANSPARENT = {"Path", "str", "fspath", "dict", "list", "tuple", "zip", "enumerate", "sorted", "reversed"}


@dataclass(frozen=True)
class Origin:
    """What an expression may be."""

    # the module `core`, a function of it, what that returned, or an output of this
    kind: Literal["core", "step", "result", "output"]
    step: str = ""  # the function's name
    output: str = ""  # the output's, as an attribute
    text: str = ""  # code that gives the result
    is_configured: bool = False  # the function was called without arguments


@dataclass(frozen=True)
class CoreCall:
    """A call of ``core.<step>(...)``, with the outputs that its arguments may be."""

    step: str
    arguments: dict[str, list[Origin]]  # name -> outputs; the first positional one is called ""
    line: int  # in the cell, from 1


class Reader(ast.NodeVisitor):
    """Follows names through the cells of one notebook; containers count as what is in them."""

    def __init__(self) -> None:
        self._names: dict[str, set[Origin]] = {}
        self._calls: list[CoreCall] = []
        self._branches = 0  # in these, a name may be what it was before, too

    def calls(self, cell: ast.Module) -> list[CoreCall]:
        """Return the calls of the next cell."""
        self._calls = []
        self.visit(cell)
        return self._calls

    def visit(self, node: ast.AST) -> None:
        """Visit in the order of execution, and count branches."""
        is_branch = isinstance(node, ast.If | ast.For | ast.While | ast.Try)
        self._branches += is_branch
        super().visit(node)
        self._branches -= is_branch

    def visit_Import(self, node: ast.Import) -> None:
        """Bind ``import core`` and ``import core as c``."""
        for alias in node.names:
            if alias.name == "core":
                self._names[alias.asname or alias.name] = {Origin("core")}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Bind ``from core import train``."""
        for alias in node.names if node.module == "core" else ():
            self._names[alias.asname or alias.name] = {Origin("step", alias.name)}

    def visit_Assign(self, node: ast.Assign) -> None:
        """Bind ``name = value``."""
        self.visit(node.value)
        for target in node.targets:
            self._bind(target, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Bind ``name: type = value``."""
        if node.value:
            self.visit(node.value)
            self._bind(node.target, node.value)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        """Bind ``(name := value)``."""
        self.visit(node.value)
        self._bind(node.target, node.value)

    def visit_For(self, node: ast.For) -> None:
        """Bind the names of a loop."""
        self._bind(node.target, node.iter)
        self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        """Bind the names of a comprehension before its elements."""
        for generator in node.generators:
            self._bind(generator.target, generator.iter)
        self.generic_visit(node)

    visit_SetComp = visit_GeneratorExp = visit_DictComp = visit_ListComp  # noqa: N815

    def visit_Call(self, node: ast.Call) -> None:
        """Keep a call of ``core``."""
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr in _ADDING:
            for value in node.args:
                self._add(node.func.value, value)
        named = {word.arg: word.value for word in node.keywords if word.arg}
        values = {**dict(zip([""], node.args, strict=False)), **named}
        arguments = {name: sorted(self._outputs(value), key=astuple) for name, value in values.items()}
        for function in self._of(node.func):
            if function.kind == "step":
                self._calls.append(CoreCall(function.step, arguments, node.lineno))

    def _outputs(self, node: ast.expr) -> Iterator[Origin]:
        for origin in self._of(node):
            if origin.kind == "output":
                yield replace(origin, text=_short(node.value)) if isinstance(node, ast.Attribute) else origin

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            origins = {replace(o, text=target.id) if o.kind == "result" else o for o in self._of(value)}
            before = self._names.get(target.id, set()) if self._branches else set()
            self._names[target.id] = before | origins
        elif isinstance(target, ast.Subscript):
            self._add(target.value, value)
        elif isinstance(target, ast.Tuple | ast.List):
            elements = value.elts if isinstance(value, ast.Tuple | ast.List) else []
            values = elements if len(elements) == len(target.elts) else [value] * len(target.elts)
            for name, part in zip(target.elts, values, strict=True):
                self._bind(name, part)

    def _add(self, container: ast.expr, value: ast.expr) -> None:
        if isinstance(container, ast.Name):
            self._names[container.id] = self._names.get(container.id, set()) | self._of(value)

    def _of(self, node: ast.expr | None) -> set[Origin]:
        """Return all that an expression may be; nothing where that is not followed."""
        match node:
            case ast.Name():
                return self._names.get(node.id, set())
            case ast.Attribute():
                return {o for value in self._of(node.value) if (o := _attribute(value, node.attr))}
            case ast.Call():
                return set(self._returned(node))
        return set[Origin]().union(*map(self._of, _parts(node)))

    def _returned(self, node: ast.Call) -> Iterator[Origin]:
        function = node.func
        name = getattr(function, "id", getattr(function, "attr", ""))
        if isinstance(function, ast.Attribute) and name in _ELEMENTS:
            yield from self._of(function.value)
        elif name in _TRANSPARENT:
            for value in (*node.args, *(word.value for word in node.keywords)):
                yield from self._of(value)
        for origin in self._of(function):
            if origin.kind == "step":
                bare = not (node.args or node.keywords)
                yield Origin("result", origin.step, text=_short(node), is_configured=bare)


def _parts(node: ast.expr | None) -> list[ast.expr]:
    """Return the expressions one of which `node` is, or that it holds."""
    match node:
        case ast.IfExp():
            return [node.body, node.orelse]
        case ast.BoolOp() | ast.Dict():
            return node.values
        case ast.List() | ast.Tuple() | ast.Set():
            return node.elts
        case ast.Subscript() | ast.NamedExpr() | ast.Starred() | ast.DictComp():
            return [node.value]
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
            return [node.elt]
    return []


def _attribute(value: Origin, name: str) -> Origin | None:
    if value.kind == "core":
        return Origin("step", name)
    if value.kind == "result":
        return replace(value, kind="output", output=name)
    return value if value.kind == "output" and name == "path" else None


def _short(node: ast.expr) -> str:
    if isinstance(node, ast.Call) and node.keywords:
        return f"{ast.unparse(node.func)}(...)"
    return ast.unparse(node)
