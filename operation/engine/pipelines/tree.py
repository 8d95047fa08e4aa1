"""YAML whose every part knows its file and line, also after templates were put together."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from operation.engine.configuration.documents import Document, KeyPath, read_document
from operation.engine.foundation.errors import Problem
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.nearest import did_you_mean, listed

Item = TypeVar("Item")
Plain: TypeAlias = Any  # a scalar, a list or a mapping by text, without lines

_CRON = re.compile(r"[\d*,/-]+( [\d*,/-]+){2}( [\w*,/-]+){2}")
_MINUTES = re.compile(r"\d{1,6}(\.\d+)?")


class Refused(Exception):
    """A part of a pipeline cannot be read: what, where, how to fix it."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


@dataclass(frozen=True)
class Node:
    """A value of a YAML file: a scalar, a list of nodes, or nodes by text."""

    value: Any
    file: str  # as a person would type it from the root
    line: int  # of its key where it has one, from 1

    def refuse(self, message: str) -> Refused:
        """Return the error to raise about this part."""
        return Refused(Problem(self.file, self.line, message))

    def at(self, value: Plain) -> Node:
        """Return `value`, list and mappings included, as if it stood here."""
        if isinstance(value, Node):
            return value
        if isinstance(value, dict):
            return Node({key: self.at(member) for key, member in value.items()}, self.file, self.line)
        if isinstance(value, list):
            return Node([self.at(member) for member in value], self.file, self.line)
        return Node(value, self.file, self.line)

    def plain(self) -> Plain:
        """Return the value without its lines."""
        if isinstance(self.value, dict):
            return {key: member.plain() for key, member in self.value.items()}
        return [member.plain() for member in self.value] if isinstance(self.value, list) else self.value

    def text(self) -> str:
        """Return a scalar as both systems write it."""
        if isinstance(self.value, dict | list):
            raise self.refuse(f"expected a single value, found a {_kind(self.value)}.")
        if isinstance(self.value, bool):
            return str(self.value).lower()
        return "" if self.value is None else str(self.value)

    def items(self) -> dict[str, Node]:
        """Return a mapping's members."""
        if not isinstance(self.value, dict):
            raise self.refuse(f"expected a mapping, lines such as 'name: value', found {_shown(self.value)}.")
        return self.value

    def members(self) -> list[Node]:
        """Return a list's members; a single value is a list of one, as both systems allow."""
        if isinstance(self.value, list):
            return self.value
        return [] if self.value is None else [self]

    def get(self, key: str) -> Node | None:
        """Return the member `key` of a mapping; None when it is absent or empty."""
        member = self.items().get(key)
        return None if member is None or member.value is None else member

    def word(self, key: str, default: str = "") -> str:
        """Return the text of the member `key`."""
        member = self.get(key)
        return default if member is None else member.text()

    def mapping(self, key: str) -> dict[str, Node]:
        """Return the members of the mapping `key`; none where it is absent."""
        member = self.get(key)
        return {} if member is None else member.items()

    def texts(self, key: str) -> dict[str, str]:
        """Return the texts of the mapping `key`."""
        return {name: member.text() for name, member in self.mapping(key).items()}

    def words(self, key: str) -> tuple[str, ...]:
        """Return the texts of the list `key`, which may be a single value."""
        member = self.get(key)
        return () if member is None else tuple(one.text() for one in member.members())

    def minutes(self, key: str) -> float | None:
        """Return a time limit in seconds; None where there is none."""
        member = self.get(key)
        if member is None:
            return None
        if not _MINUTES.fullmatch(member.text()):
            raise member.refuse(f"expected a number of minutes, found {member.text()!r}.")
        return 60 * float(member.text())

    def cron(self, key: str) -> str:
        """Return when a schedule starts; empty where the member `key` is absent."""
        text = self.word(key)
        if text and not _CRON.fullmatch(text):
            raise self.items()[key].refuse(f"schedule '{text}' has not five fields, such as '17 5 * * *'.")
        return text

    def choice(self, key: str, known: Collection[str]) -> str:
        """Return the text of the member `key`, one of the `known`; empty where it is absent."""
        text = self.word(key)
        if text and text not in known:
            expected = listed([name for name in known if name])
            raise self.items()[key].refuse(f"'{text}': expected {expected}.{did_you_mean(text, known)}")
        return text

    def require_keys(self, words: str, owner: str, uncovered: str = "") -> None:
        """Refuse a key that is none of the `words`; of the `uncovered` only the system itself has."""
        known = words.split()
        for key, member in self.items().items():
            if key in uncovered.split():
                raise member.refuse(
                    f"'{key}' {owner} is not covered by a local run. Leave it out, or run this in its system."
                )
            if key not in known:
                hint = did_you_mean(key, known)
                raise member.refuse(f"unknown key '{key}' {owner}: expected {listed(sorted(known))}.{hint}")


def read_tree(layout: Layout, path: Path) -> Node:
    """Read the YAML mapping in `path`.

    Raises
    ------
    Refused
        When it is no readable mapping.
    """
    file = layout.relative(path)
    document, problems = read_document(path, file)
    if document is None or problems:
        raise Refused(problems[0])
    return _node(document, document.data, ())


def _node(document: Document, value: Plain, key_path: KeyPath) -> Node:
    line = document.line(key_path)
    if isinstance(value, dict):
        members = {key: _node(document, member, (*key_path, key)) for key, member in value.items()}
        return Node(members, document.file, line)
    if isinstance(value, list):
        items = [_node(document, member, (*key_path, number)) for number, member in enumerate(value)]
        return Node(items, document.file, line)
    # a number keeps its letters: 3.10 is a version
    text = document.texts.get(key_path)
    keeps = isinstance(value, int | float) and not isinstance(value, bool) and str(value) != text
    return Node(text if keeps else value, document.file, line)


@dataclass
class Findings:
    """The problems of one reading: it goes on after each of them, so that all are told at once."""

    problems: list[Problem] = field(default_factory=list)

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Take in what the block refuses."""
        try:
            yield
        except Refused as refused:
            self.problems.append(refused.problem)

    def each(self, nodes: Collection[Item], read: Callable[[Item], Any]) -> list[Any]:
        """Return what `read` makes of each node, without those that it refuses."""
        results = []
        for node in nodes:
            with self.collecting():
                results.append(read(node))
        return results


def _kind(value: Plain) -> str:
    return "list" if isinstance(value, list) else "mapping"


def _shown(value: Plain) -> str:
    return "nothing" if value is None else "a list" if isinstance(value, list) else repr(value)
