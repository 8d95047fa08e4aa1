"""The lines that a cell's traceback leads through, read from what IPython and Python print of it."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from operation.engine.foundation import syntax

_ANSI = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")
_CHAINED = re.compile(
    r"^\n?(?:During handling of the above exception, another exception occurred"
    r"|The above exception was the direct cause of the following exception):",
    re.MULTILINE,
)
_IN_CELL = re.compile(r"\s*Cell In\s?\[(\d+)\], line (\d+)")
_IN_FILE = re.compile(r"\s*File (.+?):(\d+)(?=[,\s]|$)")
_PRINTED = re.compile(r'^[ |]*File "([^"\n]+)", line (\d+)', re.MULTILINE)
_MEMBERS = re.compile(r"^[ |]*\+-\+-+ 1 -", re.MULTILINE)  # of a group of exceptions
_CELL_FILE = re.compile(r"ipykernel_\d+[/\\]\d+\.py$")
_HEAD = "Traceback (most recent call last)"
# the only line that can have raised what IPython shows without its frames
_RAISES = {"SystemExit": r"\b(?:exit|quit)\(|\bSystemExit\b", "UsageError": r"^\s*%|=\s*%"}
_MAGIC = re.compile(r"`(%+\w+)`")


class Frame(NamedTuple):
    """A file of the project, from its root, or the failing cell (no file), and the line in it."""

    file: str
    line: int | None


def plain(text: str) -> str:
    """Return `text` without colours and other commands to a terminal."""
    return _ANSI.sub("", text)


def printed(cell: Mapping[str, Any]) -> str:
    """Return what the cell printed to stderr, if there is a traceback in it."""
    text = _stderr(cell)
    return text if _HEAD in text else ""


def _stderr(cell: Mapping[str, Any]) -> str:
    outputs = (output for output in cell.get("outputs", []) if output.get("name") == "stderr")
    return plain("".join("".join(output["text"]) for output in outputs))


def project_frames(cell: Mapping[str, Any], error: Mapping[str, Any], root: Path) -> list[Frame]:
    """Return the frames of the last exception that are the project's or the failing cell's, outermost first.

    Those of other cells are left out: their lines mean nothing beside the failing cell.
    """
    found: list[Frame] = []
    for file, line in _frames(cell, error):
        if file:
            name = _name_in_project(file, root)
            found += [Frame(name, line)] if name else []
        else:
            found.append(Frame("", line))
    return found


def _frames(cell: Mapping[str, Any], error: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield file and line of each frame; those of the failing cell have no file."""
    if not error:
        yield from _located(cell, reversed(_PRINTED.findall(_crash(cell))))
        return
    if not error["traceback"]:  # IPython leaves groups of exceptions to Python, which prints them
        *_, last = _CHAINED.split(printed(cell))
        yield from _located(cell, _PRINTED.findall(_MEMBERS.split(last)[0]))
        return
    is_magic = source(cell).startswith("%%")
    for part in _last_exception([plain(part) for part in error["traceback"]]):
        if match := _IN_CELL.match(part):
            # a magic may execute the rest of its cell as a cell of its own
            in_body = is_magic and "run_cell_magic(" not in part
            if cell["execution_count"] in {int(match[1]), int(match[1]) - in_body}:
                yield "", int(match[2]) + in_body
        elif match := _IN_FILE.match(part):
            timed = is_magic and match[1] == "<timed exec>"
            yield ("", int(match[2]) + 1) if timed else (match[1], int(match[2]))


def _last_exception(parts: list[str]) -> list[str]:
    """Return the frames of the last exception of a chain; its message, which may look like one, is none."""
    chained = [index for index, part in enumerate(parts) if _CHAINED.match(part)]
    parts = parts[chained[-1] + 1 :] if chained else parts
    return parts if parts[-1].startswith("  ") else parts[:-1]  # a SyntaxError's line is with its message


def _crash(cell: Mapping[str, Any]) -> str:
    """Return the stack, innermost frame first, of the thread in which compiled code crashed."""
    return _stderr(cell).rpartition("\nCurrent thread ")[2].partition("\n\n")[0]


def _located(cell: Mapping[str, Any], frames: Iterable[tuple[str, str]]) -> Iterator[tuple[str, int]]:
    """Yield the frames that Python printed; the failing cell is a file by the digest of its code."""
    for file, line in frames:
        if not _CELL_FILE.search(file):
            yield file, int(line)
        elif Path(file).name == _file_name(cell):
            yield "", int(line)


def _file_name(cell: Mapping[str, Any]) -> str:
    """Return the name of the file that the code of a cell is compiled as."""
    from ipykernel.compiler import get_file_name

    return Path(get_file_name(source(cell))).name  # type: ignore[no-untyped-call]


def _name_in_project(file: str, root: Path) -> str:
    """Return the file from the project's root; empty for libraries and the engine."""
    path = Path(os.path.normpath(root / "notebooks" / Path(file).expanduser()))
    for folder in (root, root.resolve()):
        if path.is_relative_to(folder):
            parts = path.relative_to(folder).parts
            is_own = parts[0] != "operation" and not any(
                part == "site-packages" or part.startswith(".") for part in parts
            )
            return "/".join(parts) if is_own and not file.startswith("<") else ""
    return ""


def source(cell: Mapping[str, Any]) -> str:
    """Return the code of a cell."""
    return "".join(cell.get("source", ""))


def line_without_frame(cell: Mapping[str, Any], error: Mapping[str, Any]) -> int | None:
    """Return the line that raised what is shown without a frame of its cell; None when there are several."""
    if not error:
        return None
    lines = source(cell).splitlines()
    is_displayed = any("formatters.py" in part for part in error.get("traceback", []))
    magic = _MAGIC.search(error["evalue"]) if error["ename"] == "UsageError" else None
    raises = re.escape(magic[1]) if magic else _RAISES.get(error["ename"], r"\S")
    pattern = r"\bdisplay\(" if is_displayed else raises
    raising = [number for number, line in enumerate(lines, 1) if re.search(pattern, line)]
    if is_displayed and not raising:  # what stands last in a cell is displayed
        return _last_statement(lines)
    return raising[0] if len(raising) == 1 else None


def _last_statement(lines: list[str]) -> int | None:
    code = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines)
    try:
        statements = syntax.parse(code).body
    except SyntaxError:
        return None
    return statements[-1].lineno if statements else None
