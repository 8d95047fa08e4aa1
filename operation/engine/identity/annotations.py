"""Annotations of parameters as people write them: what they allow, and whether a value is that."""

import ast
import json
from collections.abc import Iterator
from functools import lru_cache

_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "list": "a list",
    "dict": "a mapping",
    "None": "nothing",
}
_NAMES = {
    "List": "list",
    "Dict": "dict",
    "Sequence": "list",
    "tuple": "list",
    "Tuple": "list",
    "Mapping": "dict",
}


@lru_cache(maxsize=256)
def alternatives(annotation: str) -> tuple[str, ...]:
    """Return what an annotation allows: ``("float", "None")`` for ``Optional[float]``."""
    try:
        return tuple(dict.fromkeys(_alternatives(ast.parse(annotation, mode="eval").body)))
    except SyntaxError:
        return ()


def _alternatives(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from (*_alternatives(node.left), *_alternatives(node.right))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from alternatives(node.value)
    elif isinstance(node, ast.Subscript):
        yield from _subscript(_name(node.value), node.slice)
    else:
        yield _name(node)


def _subscript(name: str, inner: ast.expr) -> Iterator[str]:
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if name == "Optional":
        yield from (*_alternatives(inner), "None")
    elif name == "Union":
        for part in parts:
            yield from _alternatives(part)
    elif name == "Literal":
        yield f"Literal[{ast.unparse(inner).strip('()')}]"
    else:
        yield f"{name}[{', '.join(' | '.join(_alternatives(part)) for part in parts)}]"


def _name(node: ast.expr) -> str:
    name = node.attr if isinstance(node, ast.Attribute) else ast.unparse(node)  # typing.List is List
    return _NAMES.get(name, name)


def in_words(annotation: str) -> str:
    """Return what a value of an annotation must be."""
    return " or ".join(_in_words(name) for name in alternatives(annotation))


def _in_words(name: str) -> str:
    kind, _, inner = name.partition("[")
    return f"one of {inner[:-1]}" if kind == "Literal" else _WORDS.get(kind, kind)


def fits(annotation: str, value: object) -> bool:
    """Tell whether a value is one of what an annotation allows; an unknown name allows any."""
    return any(_fits(name, value) for name in alternatives(annotation))


def _fits(name: str, value: object) -> bool:
    kind, _, inner = name.partition("[")
    inner = inner.removesuffix("]")
    if kind == "Literal":
        return value in ast.literal_eval(f"({inner},)")
    if isinstance(value, bool):
        return kind == "bool" or kind not in _WORDS
    if kind == "list":
        return isinstance(value, list | tuple) and (not inner or _fit(inner.removesuffix(", ..."), value))
    if kind == "dict":
        each = inner.partition(", ")[2]
        return isinstance(value, dict) and (not each or all(fits(each, item) for item in value.values()))
    kinds: dict[str, tuple[type, ...]] = {
        "None": (type(None),),
        "int": (int,),
        "float": (int, float),
        "str": (str,),
        "bool": (bool,),
    }
    return kind not in kinds or isinstance(value, kinds[kind])


def _fit(inner: str, values: list[object] | tuple[object, ...]) -> bool:
    """Tell whether all values are of the one kind, or each of its own, as in ``tuple[int, str]``."""
    kinds = inner.split(", ")
    if len(kinds) == 1:
        return all(fits(inner, value) for value in values)
    return len(kinds) == len(values) and all(map(fits, kinds, values))


def is_json(value: object) -> bool:
    """Tell whether JSON has a word for a value: not for NaN, infinity, a date or a name that is not UTF-8."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError):
        return False
    return True
