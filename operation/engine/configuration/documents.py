"""YAML with line numbers: what a person wrote, and on which line.

Stricter than YAML and closer to what people expect of it: a key may stand only once, ``no`` and
``2013-01-01`` are text (YAML 1.2), aliases and tags are refused because Azure DevOps refuses them.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import yaml
from yaml.composer import ComposerError
from yaml.error import MarkedYAMLError
from yaml.reader import ReaderError

from operation.engine.foundation.errors import Problem

Scalar: TypeAlias = str | int | float | bool | None
Value: TypeAlias = Any  # a Scalar, a list of Values or a dict of Values by text
KeyPath: TypeAlias = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")  # 007 is somebody's identifier, not seven
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_CAUSES = {
    "mapping values are not allowed here": "a ': ' inside a value, or wrong indentation: quote the value or "
    "indent it as its neighbours are",
    "could not find expected ':'": "a key without ': ' behind it",
    "found unexpected end of stream": "a quote that is opened and never closed",
    "expected ',' or '}', but got '<stream end>'": "a '{' that is never closed",
    "expected ',' or ']', but got '<stream end>'": "a '[' that is never closed",
    "expected <block end>, but found '<block mapping start>'": "indentation that no line above has",
    "but found another document": "remove the line '---' and what follows, or make it a file of its own",
}


@dataclass(frozen=True)
class Document:
    """One YAML file, read."""

    file: str  # the file as a person would type it from the root
    data: dict[str, Value]  # its content
    lines: Mapping[KeyPath, int]  # line (from 1) of every key and list item, by its path of keys and indices
    # what stands in the file, letter by letter, for every scalar: ``1.10`` where the data say 1.1
    texts: Mapping[KeyPath, str]

    def line(self, key_path: KeyPath) -> int:
        """Return the line of `key_path`, or of the nearest thing around it that the file has."""
        while key_path and key_path not in self.lines:
            key_path = key_path[:-1]
        return self.lines.get(key_path, 1)

    def scalars(self) -> Iterator[tuple[KeyPath, str]]:
        """Yield every text in the file with its place; numbers and the like are none."""
        for key_path in self.texts:
            value: Value = self.data
            for key in key_path:
                value = value[key]
            if isinstance(value, str):
                yield key_path, value

    def problem(self, key_path: KeyPath, message: str) -> Problem:
        """Return `message` as a problem at `key_path`."""
        return Problem(self.file, self.line(key_path), message)


def read_document(path: Path, file: str) -> tuple[Document | None, list[Problem]]:
    """Read the YAML mapping in `path`, which messages call `file`; None when it is no readable mapping.

    Of duplicate keys, which are a problem, the first holds.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        return None, [Problem(file, 1, f"cannot be read: {error.strerror}.")]
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return None, [Problem(file, line, "not UTF-8 text. Save the file with encoding UTF-8.")]
    return parse_document(text, file)


def parse_document(text: str, file: str) -> tuple[Document | None, list[Problem]]:
    """Read the YAML mapping in `text`, as `read_document` does."""
    try:
        node = _Loader(text).get_single_node()
        reading = _Reading(file)
        data = reading.value(node, ()) if node else None
    except MarkedYAMLError as error:
        return None, _syntax_problems(text, file, error)
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        character = chr(error.character) if isinstance(error.character, int) else error.character
        return None, [Problem(file, line, f"contains the control character {character!r}: remove it.")]
    except RecursionError:
        return None, [Problem(file, 1, "is nested too deeply to be a configuration.")]
    if data is None:
        return None, [Problem(file, 1, "is empty: expected a mapping, lines such as 'key: value'.")]
    if not isinstance(data, dict):
        kind = "a list" if isinstance(data, list) else "a single value"
        return None, [Problem(file, 1, f"holds {kind}: expected a mapping, lines such as 'key: value'.")]
    return Document(file, data, reading.lines, reading.texts), reading.problems


def scalar(text: str) -> Scalar:
    """Return the value that the unquoted `text` stands for: a number, true or false, null, or text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


def value_of(text: str) -> Value:
    """Return the value that `text` stands for: a scalar, or in brackets a list or mapping.

    Raises
    ------
    yaml.YAMLError
        When it cannot be read.
    """
    node = _Loader(text).get_single_node()
    return _Reading("").value(node, ()) if node else None


def _syntax_problems(text: str, file: str, error: MarkedYAMLError) -> list[Problem]:
    unclosed = "stream end" in (error.problem or "") or "end of stream" in (error.problem or "")
    mark = (error.context_mark if unclosed else None) or error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    if "'\\t'" in (error.problem or ""):
        lines = {number for number, row in enumerate(text.splitlines(), 1) if re.match(r" *\t", row)}
        message = "a tab where YAML allows only spaces. Replace it by spaces."
        return [Problem(file, row, message) for row in sorted(lines | {line})]
    what = (error.problem or error.context or "unreadable").rstrip(".")
    cause = next((cause for start, cause in _CAUSES.items() if (error.problem or "").startswith(start)), "")
    reason = f" (often: {cause})" if cause else ""
    return [Problem(file, line, f"not valid YAML at column {column}: {what}{reason}.")]


class _Loader(yaml.BaseLoader):
    """PyYAML up to its nodes; which type a scalar has is decided here, not there."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        stream: Any = self  # PyYAML's event methods are not annotated
        event = stream.peek_event()
        tag = getattr(event, "tag", None)
        if anchor := getattr(event, "anchor", None):
            sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
            _refuse(f"'{sign}{anchor}': anchors and aliases are not supported. Write the value out", event)
        if tag and tag != "!":
            _refuse(f"tags such as '{tag}' are not supported. Remove it", event)
        return super().compose_node(parent, index)


def _refuse(message: str, event: yaml.Event) -> NoReturn:
    mark: Any = event.start_mark
    raise ComposerError(problem=message, problem_mark=mark)


@dataclass
class _Reading:
    """Values, lines, texts and problems of one file, gathered in one walk."""

    file: str
    lines: dict[KeyPath, int] = field(default_factory=dict)
    texts: dict[KeyPath, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def value(self, node: yaml.Node, key_path: KeyPath) -> Value:
        self.lines.setdefault(key_path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, key_path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*key_path, index)) for index, item in enumerate(node.value)]
        self.texts[key_path] = node.value
        return node.value if getattr(node, "style", None) else scalar(node.value)

    def _mapping(self, node: yaml.MappingNode, key_path: KeyPath) -> dict[str, Value]:
        mapping: dict[str, Value] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(Problem(self.file, line, "a list or mapping cannot be a key. Use text."))
                continue
            key = key_node.value
            if key in mapping:
                first = self.lines[(*key_path, key)]
                message = f"'{key}' repeats line {first}. Keep one of them."
                self.problems.append(Problem(self.file, line, message))
                continue
            self.lines[(*key_path, key)] = line
            mapping[key] = self.value(value_node, (*key_path, key))
        return mapping
