"""Variables and their ``$(NAME)`` references, as Azure DevOps writes them."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from operation.engine.configuration.documents import Scalar, Value, scalar
from operation.engine.foundation.nearest import did_you_mean

_REFERENCE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_.]*)\)")
_LOOKALIKE = re.compile(r"\$\{\{[^}]*\}?\}?|\$\{[^}]*\}?|\$\[[^]]*\]?|\$\([^)]*\)?")


@dataclass(frozen=True)
class Variable:
    """A variable before or after resolution."""

    text: str  # letter by letter, as it is put into the middle of another text
    value: Scalar  # what it stands for alone


def typed(text: str) -> Variable:
    """Return the variable that the unquoted `text` makes."""
    return Variable(text, scalar(text))


def references(text: str) -> list[str]:
    """Return the names that `text` refers to, in their order."""
    return _REFERENCE.findall(text)


def malformed(text: str) -> list[str]:
    """Return what looks like a reference in `text` and is none: ``$(A B)``, ``${NAME}``, ``${{ x }}``."""
    return [part for part in _LOOKALIKE.findall(text) if not _REFERENCE.fullmatch(part)]


def substitute(text: str, variables: Mapping[str, Variable]) -> Variable:
    """Return `text` with its references replaced.

    A text that is one reference and nothing else takes the type of the variable.
    """
    alone = _REFERENCE.fullmatch(text)
    if alone:
        return variables[alone[1]]
    whole = _REFERENCE.sub(lambda match: variables[match[1]].text, text)
    return Variable(whole, whole)


def resolve(
    raw: Mapping[str, Variable], declared: Collection[str] = ()
) -> tuple[dict[str, Variable], dict[str, list[str]]]:
    """Resolve the references among variables."""
    graph = {name: references(item.text) if isinstance(item.value, str) else [] for name, item in raw.items()}
    known = {*raw, *declared}
    problems = {name: wrong for name, item in raw.items() if (wrong := reference_problems(item.value, known))}
    inner = {name: [to for to in names if to in raw] for name, names in graph.items()}
    for name, path in circles(inner):
        message = f"refers to itself: {' -> '.join(path)}. Give one of them a value of its own."
        problems.setdefault(name, []).append(message)
    done: dict[str, Variable] = {}
    sound = TopologicalSorter({name: names for name, names in inner.items() if name not in problems})
    for name in sound.static_order():
        if name not in problems and all(reference in done for reference in graph[name]):
            done[name] = substitute(raw[name].text, done) if graph[name] else raw[name]
    return {name: done[name] for name in raw if name in done}, problems


def reference_problems(value: Value, known: Collection[str] | None, owner: str = "this file") -> list[str]:
    """Return what is wrong with the references in `value`.

    The names must be among `known` of `owner`; None stands for an owner that could not be read.
    """
    if not isinstance(value, str):
        return []
    return [f"'{part}' is not a reference. Write variables as $(NAME)." for part in malformed(value)] + [
        f"$({name}) is undefined: {owner} declares no variable of that name.{did_you_mean(name, known or ())}"
        for name in dict.fromkeys(references(value))
        if known is not None and name not in known
    ]


def is_open(value: Value) -> bool:
    """Tell whether `value` still holds a reference, or what looks like one."""
    if isinstance(value, list):
        return any(map(is_open, value))
    return isinstance(value, str) and bool(references(value) or malformed(value))


def resolved(value: Value, variables: Mapping[str, Variable]) -> Value:
    """Return `value` (a scalar, list or mapping) with every reference in it replaced where it can be."""
    if isinstance(value, dict):
        return {key: resolved(member, variables) for key, member in value.items()}
    if isinstance(value, list):
        return [resolved(member, variables) for member in value]
    if isinstance(value, str) and all(name in variables for name in references(value)):
        return substitute(value, variables).value
    return value


def circles(graph: Mapping[str, list[str]]) -> Iterator[tuple[str, list[str]]]:
    """Yield every circle of references once: the member that stands first, and the way round from it."""
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            around = error.args[1][:0:-1]  # graphlib lists what is referred to before what refers
            start = min(around, key=list(graph).index)
            at = around.index(start)
            yield start, [*around[at:], *around[:at], start]
            graph = {name: names for name, names in graph.items() if name != start}
        else:
            return
