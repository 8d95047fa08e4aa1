"""What the failing notebook read: entries of the store and files of the world, smallest first."""

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from glob import iglob
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from operation.engine.configuration import Configuration
from operation.engine.evidence.capsule.archive import Archive, is_clean
from operation.engine.foundation import syntax
from operation.engine.foundation.layout import Layout
from operation.engine.identity.digests import Digests
from operation.engine.identity.opened import LOOKED_FOR

_PRIVATE = {"config.json", ".env"}
_OWN_FOLDERS = {"notebooks", "src", "configuration", "operation", "tests", "runs"}
_MATCHES = 1000  # files that one pattern may bring


class Executed(Protocol):
    """What was to be executed: its configuration, and the notebooks with their parameters."""

    @property
    def configured(self) -> Configuration:
        """The use case in its environment."""

    @property
    def sources(self) -> Mapping[str, Path]:
        """Notebook -> its file."""

    def parameters(self, name: str) -> Mapping[str, object]:
        """Return what is injected into the notebook `name`."""


@dataclass(frozen=True)
class Input:
    """One thing that was read."""

    path: Path  # a file or folder
    member: str  # its name in the capsule
    # how the configuration and the notebook name it, when it lies outside the project
    spelled: frozenset[str] = frozenset()
    step: str = ""  # the step that executes again to give it; empty for a file of the world

    def files(self) -> list[Path]:
        """Return its files: all of an output, whose digest counts each; elsewhere the visible ones."""
        if self.path.is_file():
            return [self.path]
        if self.step:
            return sorted(file for file in self.path.rglob("*") if file.is_file())
        return visible_files(self.path)


def add_inputs(archive: Archive, layout: Layout, inputs: Iterable[Input], limit: int) -> dict[str, str]:
    """Add inputs until `limit` bytes are reached; what does not fit is listed by its digest.

    Returns
    -------
    dict of str to str
        How a file outside the project is spelled -> its member.
    """
    sizes = {given: sum(file.stat().st_size for file in given.files()) for given in inputs}
    moved: dict[str, str] = {}
    used = 0
    for given, size in sorted(sizes.items(), key=lambda item: (item[1], item[0].member)):
        reason = _reason(given, size, limit - used)
        if reason:
            where = f"executing '{given.step}' again gives it" if given.step else f"copy it from {given.path}"
            digest = Digests(layout.runs / "digests.db").of(given.path).digest
            archive.leave_out(given.member, size, reason, digest=digest, where=where)
            continue
        used += size
        for file in given.files():
            rest = file.relative_to(given.path).as_posix()
            archive.file(file, given.member if rest == "." else f"{given.member}/{rest}")
        moved |= dict.fromkeys(given.spelled, given.member)
    return moved


def _reason(given: Input, size: int, room: int) -> str:
    if size > room:
        return "the capsule's limit"
    if given.step and not all(map(is_clean, given.files())):
        return "it holds a secret"  # masked it would not be what its digest says
    return ""


def visible_files(folder: Path) -> list[Path]:
    """Return the files below `folder`, without hidden ones and bytecode."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return sorted(file for file in files if not _is_hidden(file.relative_to(folder)))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def store_entries(layout: Layout, records: Sequence[Mapping[str, Any]]) -> list[Input]:
    """Return the entries of the store that steps of the notebook read or gave."""
    used = {record["key"]: record["step"] for record in records if record["how"] != "failed"}
    return [
        Input(layout.store / key, f"store/{key}", step=step)
        for key, step in used.items()
        if (layout.store / key).is_dir()
    ]


def raw_tables(layout: Layout, records: Sequence[Mapping[str, Any]]) -> list[Input]:
    """Return the folders in ``runs/`` that arguments name: what was collected is executed by no step."""
    words = (word.partition("=")[2] for record in records for word in record["argv"])
    return [Input(path, f"project/{word}") for word, path in sorted(layout.named_in_runs(words).items())]


def external_files(
    layout: Layout,
    prepared: Executed,
    notebook: str,
    records: Sequence[Mapping[str, Any]],
    opened: Iterable[str],
) -> list[Input]:
    """Return the files that arguments, the configuration, parameters and cells name, and those `opened`."""
    spellings: dict[Path, set[str]] = {}
    read = ((name, layout.root / name) for name in opened if not name.endswith(("/", "\\")))
    for spelled, path in (*_named(layout, prepared, notebook, records), *read):
        whole = path.resolve()
        if path.exists() and not _is_ours(layout, whole):
            spellings.setdefault(whole, set()).add(spelled)
    return [_external(layout, index, path, names) for index, (path, names) in enumerate(spellings.items())]


def leave_out_private(archive: Archive, layout: Layout, opened: Iterable[str]) -> None:
    """Say which private files were read, as they are never packed."""
    for name in opened:
        file = layout.root / name
        if file.name in _PRIVATE and file.is_file():
            archive.leave_out(f"project/{file.name}", file.stat().st_size, "it is private")


def leave_out_unread(
    archive: Archive, layout: Layout, opened: Iterable[str], inputs: Iterable[Input]
) -> None:
    """Say in which of the folders that were listed there were more files: a replay lists those it has."""
    packed = {file.resolve() for one in inputs for file in one.files()}
    for name in opened:
        folder = layout.root / name
        is_listed = name.endswith(("/", "\\")) and not name.endswith(LOOKED_FOR)
        if is_listed and folder.is_dir() and Path(name).parts[0] not in _OWN_FOLDERS:
            files = (file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
            if sizes := [file.stat().st_size for file in files if file.resolve() not in packed]:
                reason = f"listed, but not opened: {len(sizes)} of its files"
                archive.leave_out(name, sum(sizes), reason)


def _external(layout: Layout, index: int, path: Path, spelled: set[str]) -> Input:
    root = layout.root.resolve()
    if path.is_relative_to(root):
        return Input(path, f"project/{path.relative_to(root).as_posix()}")
    name = re.sub(r"[^\w .+@,=-]", "_", path.name).lstrip(".") or "data"
    return Input(path, f"external/{index}/{name}", frozenset(spelled))


def _is_ours(layout: Layout, path: Path) -> bool:
    """Tell whether the path is private, what running left, or holds the whole project."""
    whole = layout.root.resolve().is_relative_to(path)
    return whole or path.name in _PRIVATE or path.is_relative_to(layout.runs.resolve())


def _named(
    layout: Layout, prepared: Executed, notebook: str, records: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, Path]]:
    for record in records:
        for name in record["components"]["inputs"]:
            for word in record["argv"]:
                if word.startswith(f"--{name}="):
                    spelled = word.partition("=")[2]
                    yield spelled, Path(spelled)
    for step in prepared.configured.steps.values():
        for value in step.inputs.values():
            if value.partition(".")[0] not in prepared.configured.steps or "/" in value:
                yield value, layout.root / value
    for text in (*prepared.parameters(notebook).values(), *_literals(prepared.sources[notebook])):
        if isinstance(text, str) and 3 < len(text) < 250 and text.isprintable():
            for path in _named_by(layout, text):
                yield text, path


def _named_by(layout: Layout, text: str) -> Iterator[Path]:
    """Yield the files that a text in code names: by a path, a pattern, or the beginning of a path.

    A folder of the project counts whole, as a path may be put together in pieces from it.
    """
    for start in (layout.notebooks, layout.root):
        path = start / text
        if path.is_file() or _is_folder_of_data(layout, path):
            yield path
        elif any(sign in text for sign in "*?["):
            matches = map(Path, iglob(str(path), recursive=True))  # noqa: PTH207 - the pattern may be absolute
            yield from islice((match for match in matches if match.is_file()), _MATCHES)


def _is_folder_of_data(layout: Layout, path: Path) -> bool:
    root, whole = layout.root.resolve(), path.resolve()
    if not path.is_dir() or not whole.is_relative_to(root) or whole == root:
        return False
    top = whole.relative_to(root).parts[0]
    return top not in _OWN_FOLDERS and not _is_hidden(whole.relative_to(root))


def _literals(notebook: Path) -> Iterator[str]:
    """Yield the texts that stand in the notebook's code."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            lines = "".join(cell["source"]).splitlines()
            code = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines)
            yield from _constants(code)


def _constants(code: str) -> Iterator[str]:
    try:
        tree = syntax.parse(code)
    except SyntaxError:  # the bug may be this
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
