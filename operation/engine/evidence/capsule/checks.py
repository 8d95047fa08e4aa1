"""Checks of a capsule that a stranger may have made."""

import re
import stat
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from operation.engine.evidence.capsule.pack import SCHEMA
from operation.engine.foundation import manifest
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.identity.digests import Digests

_LARGEST = 4_000_000_000  # bytes, unpacked
_TOPS = {"capsule.json", "resolved-configuration.json", "run", "project", "store", "external"}
_NAME = re.compile(r"\w[^/\\:]*")  # of a run or a notebook
_MOVED = re.compile(r"external/\d+/[\w .+@,=-]+")  # nothing that could end a text in code
_PATH = re.compile(r"[^\"'`;\n\r]*[/\\][^\"'`;\n\r]*")
_TYPES: dict[str, type | tuple[type, ...]] = {
    "id": str,
    "error": dict,
    "given": dict,
    "variables": list,
    "moved": dict,
    "left_out": list,
    "masked": list,
    "packages": dict,
    "root": str,
    "store": str,
    "python": str,
    "commit": (str, type(None)),
    "dirty": (bool, type(None)),
}


def check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    """Raise a UsageError when one of the members of a zip file is not what a capsule holds."""
    names = [member.filename.casefold() for member in members]
    for member in members:
        if not _is_ours(member) or names.count(member.filename.casefold()) > 1:
            raise UsageError(
                f"{path} is no capsule: nothing was unpacked, for its member {member.filename!r}."
            )
    if sum(member.file_size for member in members) > _LARGEST:
        raise UsageError(f"{path} is no capsule: it would unpack to more than {_LARGEST:,} bytes.")


def _is_ours(member: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(member.filename).parts
    strange = "\\" in member.orig_filename or ":" in member.filename or member.filename.startswith("/")
    if strange or not parts or parts[0] not in _TOPS or not member.filename.isprintable():
        return False
    hidden = any(part.startswith(".") for part in parts) and (parts[0] != "store" or ".." in parts)
    return not hidden and not stat.S_ISLNK(member.external_attr >> 16)


def check_content(path: Path, content: Any) -> None:
    """Raise a UsageError when a ``capsule.json`` is of another schema, incomplete, or names strange files."""
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != SCHEMA:
        raise UsageError(
            f"{path} has schema {schema!r}, and this workbench reads {SCHEMA}. "
            "Replay it with the checkout that made it."
        )
    missing = sorted(_TYPES.keys() - content.keys())
    if missing:
        raise UsageError(f"{path} is damaged: its capsule.json lacks {', '.join(missing)}.")
    wrong = [name for name, kind in _TYPES.items() if not isinstance(content[name], kind)]
    wrong += [name for name, is_sound in _sound(content).items() if not is_sound] if not wrong else []
    if wrong:
        raise _tampered(path, f"its capsule.json has a strange {wrong[0]}")


def _tampered(path: Path, what: str) -> UsageError:
    return UsageError(
        f"{path} is damaged or was tampered with: {what}. Nothing was executed; ask for the capsule again."
    )


def _sound(content: Mapping[str, Any]) -> dict[str, bool]:
    """Tell of those parts that are used whether they are what they should be."""
    error, moved, left_out = content["error"], content["moved"], content["left_out"]
    facts = {"type", "message", "file", "line", "notebook"}
    variables = {**content.get("environment", {}), **content["given"]}
    names, versions = [*content["masked"], *content["variables"]], content["packages"].values()
    return {
        "id": _is_name(content["id"]),
        "error": facts <= error.keys() and _is_name(error["notebook"]),
        "moved": all(_MOVED.fullmatch(str(here)) and _PATH.fullmatch(there) for there, here in moved.items()),
        "given": all(isinstance(value, str | None) for value in variables.values()),
        "packages": all(isinstance(version, str | None) for version in versions),
        "masked": all(isinstance(name, str) for name in names),
        "left_out": all(isinstance(one, dict) and {"member", "reason"} <= one.keys() for one in left_out),
    }


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and _NAME.fullmatch(value) is not None


def check_store(path: Path, layout: Layout, records: list[dict[str, Any]]) -> None:
    """Raise a UsageError when a restored entry of the store is not what its digests say.

    Parameters
    ----------
    records : list of dict
        Of the steps in the capsule: they hold the same digests.
    """
    try:
        outputs = {record["key"]: record["outputs"] for record in records}
        damaged = next(_damaged(layout, outputs), None)
    except (KeyError, TypeError, AttributeError) as error:
        raise _tampered(path, "a step in it has no valid record") from error
    if damaged:
        raise _tampered(path, f"the output {damaged} in its store is not what was recorded")


def _damaged(layout: Layout, recorded_outputs: Mapping[str, Any]) -> Iterator[str]:
    digests = Digests(layout.runs / "digests.db")
    for folder in sorted(layout.store.glob("*")):
        outputs = (manifest.read(folder / "manifest.json") or {})["outputs"]
        for name, output in outputs.items():
            there = digests.of(folder / name).digest if (folder / name).exists() else None
            recorded = recorded_outputs.get(folder.name, {}).get(name, output)
            if not there == output["digest"] == recorded["digest"]:
                yield f"{folder.name[:12]}/{name}"
