"""What Azure does when it compiles a pipeline: parameters, ``${{ }}``, ``if``, ``each``, template files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from operation.engine.foundation.layout import Layout
from operation.engine.foundation.nearest import did_you_mean, listed
from operation.engine.pipelines.evaluation import evaluate, guarded, interpolate
from operation.engine.pipelines.expressions import AZURE
from operation.engine.pipelines.tree import Node, Plain, read_tree
from operation.engine.pipelines.values import truth

_DIRECTIVE = re.compile(r"\s*\$\{\{\s*(if|elseif|else|each|insert)\b(.*?)\}\}\s*", re.DOTALL)
_EACH = re.compile(r"\s*([A-Za-z_]\w*)\s+in\s+(.+)", re.DOTALL)
_DEEPEST = 20  # templates within templates
_PARTS = ("step", "job", "stage", "deployment")
_TYPES: dict[str, Callable[[Plain], bool]] = {
    "string": lambda value: not isinstance(value, list | dict),
    "number": lambda value: re.fullmatch(r"[-+]?\d+(\.\d+)?", str(value)) is not None,
    "boolean": lambda value: str(value).lower() in {"true", "false"},
    "object": lambda _: True,
    **dict.fromkeys(_PARTS, lambda value: isinstance(value, dict)),
    **dict.fromkeys([f"{kind}List" for kind in ("string", *_PARTS)], lambda value: isinstance(value, list)),
}


@dataclass
class Expander:
    """Compiles the YAML of one pipeline."""

    layout: Layout
    variables: dict[str, str] = field(default_factory=dict)  # those that are known when it is compiled

    def expand(self, node: Node, parameters: Mapping[str, Plain]) -> Node:
        """Return `node` with every ``${{ }}`` replaced, directives included."""
        return self._expand(node, {"parameters": parameters, "variables": self.variables})

    def _expand(self, node: Node, contexts: Mapping[str, Any]) -> Node:
        if isinstance(node.value, str) and "${{" in node.value:
            return node.at(guarded(node, lambda: interpolate(node.value, AZURE, contexts)))
        if isinstance(node.value, list):
            return Node(list(self._list(node, contexts)), node.file, node.line)
        if isinstance(node.value, dict):
            return Node(self._mapping(node, contexts), node.file, node.line)
        return node

    def _list(self, node: Node, contexts: Mapping[str, Any]) -> Iterator[Node]:
        for key, body, within in self._chosen([_entry(member) for member in node.value], contexts):
            expanded = self._expand(body, within)
            yield from expanded.members() if key is None else [expanded]

    def _mapping(self, node: Node, contexts: Mapping[str, Any]) -> dict[str, Node]:
        members: dict[str, Node] = {}
        for key, body, within in self._chosen(node.value.items(), contexts):
            expanded = self._expand(body, within)
            members |= (
                expanded.items() if key is None else {str(self._expand(body.at(key), within).value): expanded}
            )
        return members

    def _chosen(
        self, entries: Iterable[tuple[str, Node]], contexts: Mapping[str, Any]
    ) -> Iterator[tuple[str | None, Node, Mapping[str, Any]]]:
        """Yield what counts, with its contexts; a directive has no key: its body stands for its members."""
        taken: list[bool] = []  # of the chain of if, elseif and else that goes on
        for key, body in entries:
            directive = _DIRECTIVE.fullmatch(key)
            if directive is None:
                taken = []
                yield key, body, contexts
            else:
                yield from ((None, body, within) for within in self._rounds(body, directive, contexts, taken))

    def _rounds(
        self, body: Node, directive: re.Match[str], contexts: Mapping[str, Any], taken: list[bool]
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the contexts of every time that the body of a directive counts."""
        kind, rest = directive[1], directive[2]
        if kind == "insert":
            yield contexts
        elif kind == "each":
            yield from ({**contexts, **more} for more in _each(body, rest, contexts))
        else:
            if kind == "if":
                taken.clear()
            elif not taken:
                raise body.refuse(f"'{kind}' without an 'if' right before it. Write ${{{{ if ... }}}} first.")
            holds = kind == "else" or truth(guarded(body, lambda: evaluate(rest, AZURE, contexts)))
            if holds and not any(taken):
                yield contexts
            taken.append(holds)

    def flatten(self, node: Node, section: str, depth: int = 0) -> Iterator[Node]:
        """Yield the members of a list of stages, jobs, steps or variables, templates replaced by theirs."""
        for member in node.members():
            if not (isinstance(member.value, dict) and "template" in member.value):
                yield member
                continue
            if depth == _DEEPEST:
                raise member.refuse(f"templates are nested {_DEEPEST} deep: one of them includes itself.")
            yield from self.flatten(self._template(member, section), section, depth + 1)

    def _template(self, member: Node, section: str) -> Node:
        member.require_keys("template parameters", "of a template")
        root = read_tree(self.layout, self._path(member))
        root.require_keys("parameters stages jobs steps variables", "of a template file")
        body = root.get(section)
        if body is None:
            raise member.refuse(f"template {root.file} has no '{section}', and these are expected here.")
        given = member.get("parameters")
        declared = root.get("parameters")
        return self.expand(body, bind(declared, given.items() if given else {}, member))

    def _path(self, member: Node) -> Path:
        word = member.word("template").removesuffix("@self")
        if "@" in word:
            raise member.refuse("templates of other repositories are not covered by a local run.")
        here = (self.layout.root / member.file).parent
        path = self.layout.root / word.lstrip("/") if word.startswith("/") else here / word
        if not path.is_file():
            near = [file.name for file in path.parent.glob("*.yml")] if path.parent.is_dir() else []
            hint = did_you_mean(path.name, near)
            raise member.refuse(f"there is no template {self.layout.relative(path)}.{hint}")
        return path


def _entry(member: Node) -> tuple[str, Node]:
    """Return a directive of a list with its body, any other member without a key."""
    keys = list(member.value) if isinstance(member.value, dict) else []
    if len(keys) == 1 and _DIRECTIVE.fullmatch(keys[0]):
        return keys[0], member.value[keys[0]]
    return "", member


def bind(declared: Node | None, given: Mapping[str, Node], caller: Node | None) -> dict[str, Plain]:
    """Return the values of `declared` parameters, those that are `given` or their defaults."""
    entries = _declarations(declared)
    for name, value in given.items():
        if name not in entries:
            raise value.refuse(f"there is no parameter '{name}'.{did_you_mean(name, entries)}")
    return {name: _value(name, entry, given.get(name), caller) for name, entry in entries.items()}


def _declarations(declared: Node | None) -> dict[str, Node]:
    if declared is None:
        return {}
    if isinstance(declared.value, dict):  # the old form: names and defaults
        return {name: default.at({"default": default}) for name, default in declared.value.items()}
    for entry in declared.members():
        entry.require_keys("name displayName type default values", "of a parameter")
    return {entry.word("name"): entry for entry in declared.members()}


def _value(name: str, entry: Node, given: Node | None, caller: Node | None) -> Plain:
    node = given if given is not None else entry.items().get("default")
    if node is None:
        owner = caller or entry
        raise owner.refuse(
            f"parameter '{name}' has no value and no default. Give one, or add 'default: ...'."
        )
    kind, value = entry.word("type", "object"), node.plain()
    if kind not in _TYPES:
        raise entry.refuse(f"parameter '{name}' has the unknown type '{kind}'.{did_you_mean(kind, _TYPES)}")
    if not _TYPES[kind](value):
        raise node.refuse(f"parameter '{name}' is a {kind}, found {value!r}.")
    choices = entry.get("values")
    if choices and value not in choices.plain():
        raise node.refuse(
            f"parameter '{name}': expected {listed(map(str, choices.plain()))}, found {value!r}."
        )
    if kind == "boolean":
        return str(value).lower() == "true"
    return value


def _each(body: Node, rest: str, contexts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    match = _EACH.fullmatch(rest)
    if match is None:
        raise body.refuse(
            f"'each{rest.rstrip()}' cannot be read: write ${{{{ each name in parameters.names }}}}."
        )
    values = guarded(body, lambda: evaluate(match[2], AZURE, contexts))
    if isinstance(values, Mapping):
        values = [{"key": key, "value": value} for key, value in values.items()]
    if not isinstance(values, list):
        raise body.refuse(f"'each' needs a list, and {match[2].strip()} is {values!r}.")
    yield from ({match[1]: value} for value in values)
