"""The code in a capsule, compared with the commit that it names."""

import ast
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from operation.engine.evidence.capsule.unpack import Capsule
from operation.engine.foundation import syntax
from operation.engine.foundation.git import content_id, files_of
from operation.engine.foundation.layout import Layout

_CODE = ("src/", "notebooks/", "configuration/")
_SHOWN = 8  # differing files that are listed one by one
_SHA1 = "0" * 40


def code_differences(capsule: Capsule, here: Layout) -> list[str]:
    """Return in which files the capsule's project is not as in its commit, and whether its notebook is.

    Where this clone does not have the commit, the files of this checkout are compared instead.
    """
    with zipfile.ZipFile(capsule.path) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    project = {
        name.removeprefix("project/"): text for name, text in members.items() if name.startswith("project/")
    }
    commit = str(capsule.content["commit"] or "")
    tree = files_of(here.root, commit)
    where, notes = f"commit {commit[:12]}", []
    if tree is None:
        where, tree = "this checkout", _checkout(here, project)
        if commit:
            notes = [f"commit {commit[:12]} is not in this clone: the code was compared with this checkout"]
    masked = {name.removeprefix("project/") for name in capsule.content["masked"]}
    changed = list(_changed(project, tree, masked, where))
    if len(changed) > _SHOWN:
        changed[_SHOWN:] = [f"{len(changed) - _SHOWN} more files are not as in {where}"]
    return [*notes, *changed, *_notebook(capsule, members)]


def _checkout(here: Layout, names: Mapping[str, bytes]) -> dict[str, str]:
    files = {name: here.root / name for name in names}
    return {name: content_id(file.read_bytes(), _SHA1) for name, file in files.items() if file.is_file()}


def _changed(
    project: Mapping[str, bytes], tree: Mapping[str, str], masked: set[str], where: str
) -> Iterator[str]:
    for name, content in sorted(project.items()):
        if name not in tree:
            if name.startswith(_CODE):
                yield f"{name} is not in {where}"
        elif name in masked:
            yield f"{name} cannot be compared with {where}: a secret was masked in it"
        elif tree[name] not in _ids(content, tree[name]):
            yield f"{name} is not as in {where}"
    for name in sorted(tree.keys() - project.keys()):
        if name.startswith("src/") and name.endswith(".py"):
            yield f"{name} of {where} is not in the capsule"


def _ids(content: bytes, like: str) -> set[str]:
    """Return the ids of a content as it is, and as git keeps it where the checkout has other line ends."""
    return {content_id(content, like), content_id(content.replace(b"\r\n", b"\n"), like)}


def _notebook(capsule: Capsule, members: Mapping[str, bytes]) -> Iterator[str]:
    """Yield in what the executed notebook, which is what a replay executes, is not that of the project."""
    name = f"notebooks/{capsule.notebook}.ipynb"
    executed = _cells(members.get(f"run/{name}"))
    if f"project/{name}" not in members:
        yield f"{name} is in no commit: the command that failed wrote it"
        return
    written, ran = _cells(members[f"project/{name}"]), [cell for cell in executed if not _is_added(cell)]
    if [_source(cell) for cell in written] != [_source(cell) for cell in ran]:
        yield f"{name} was executed with other code than the project's"
    injected = [_source(cell) for cell in executed if "injected-parameters" in _tags(cell)]
    if not all(map(_is_assignments, injected)):
        yield f"the parameters of {name} hold code"


def _cells(content: bytes | None) -> list[dict[str, Any]]:
    try:
        cells = json.loads(content or b"{}").get("cells", [])
        return [cell for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, AttributeError, TypeError, KeyError):
        return []


def _is_added(cell: Mapping[str, Any]) -> bool:
    """Tell whether papermill added the cell."""
    return not {"injected-parameters", "papermill-error-cell-tag"}.isdisjoint(_tags(cell))


def _tags(cell: Mapping[str, Any]) -> Sequence[str]:
    return list(cell.get("metadata", {}).get("tags", []))


def _source(cell: Mapping[str, Any]) -> str:
    return "".join(cell.get("source", ""))


def _is_assignments(source: str) -> bool:
    """Tell whether code only gives literals to names."""
    try:
        statements = syntax.parse(source).body
        for statement in statements:
            if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
                return False
            ast.literal_eval(statement.value)
    except (SyntaxError, ValueError):
        return False
    return True
