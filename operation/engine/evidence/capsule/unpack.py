"""Reads a capsule, trusting nothing in it, and restores it as a project of its own."""

import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operation.engine.evidence.capsule.checks import check_content, check_members, check_store
from operation.engine.foundation import manifest
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout


@dataclass(frozen=True)
class Capsule:
    """A capsule that was read, and whose form is sound."""

    path: Path  # the zip file
    content: Mapping[str, Any]  # its ``capsule.json``

    @property
    def notebook(self) -> str:
        """The notebook that failed."""
        return str(self.content["error"]["notebook"])

    @property
    def variables(self) -> dict[str, str | None]:
        """The environment variables that mattered for the run; None for the value of a secret."""
        return {**self.content.get("environment", {}), **self.content["given"]}


def read_capsule(path: Path) -> Capsule:
    """Read what a capsule says of itself.

    Raises
    ------
    UsageError
        When the file is missing, no capsule, damaged, of another schema, or has a member that
        would be written outside the folder it is restored to.
    """
    with _opened(path) as archive:
        check_members(path, archive.infolist())
        try:
            content = json.loads(archive.read("capsule.json"))
        except KeyError:
            raise UsageError(f"{path} is no capsule: there is no capsule.json in it. {_WHERE}") from None
        except ValueError as error:
            raise UsageError(f"{path} is damaged: its capsule.json is no JSON ({error}).") from error
    check_content(path, content)
    return Capsule(path, content)


_WHERE = "A failed run leaves one as runs/<run>/capsule.zip."


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file. {_WHERE}") from None
    except (IsADirectoryError, PermissionError) as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}. {_WHERE}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise UsageError(f"{path} is not a whole zip file ({error}). Download it again. {_WHERE}") from error


def restore(capsule: Capsule, replays: Path) -> Layout:
    """Unpack the capsule into a new folder under `replays` and return the layout of that project.

    Nothing of it is executed.

    Raises
    ------
    UsageError
        When the zip file is damaged, or outputs in it are not what was recorded.
    """
    layout = Layout(_new_folder(replays, str(capsule.content["id"])))
    with _opened(capsule.path) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                target = _target(layout, member.filename)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(member))
    check_store(capsule.path, layout, steps(run_folder(layout), capsule.notebook))
    _point_to_restored(layout, capsule.content["moved"])
    return layout


def run_folder(layout: Layout) -> Path:
    """Return where the folder of the failed run is restored."""
    return layout.root / "failed-run"


def _new_folder(replays: Path, name: str) -> Path:
    """Return a new folder: an earlier replay may hold a person's work."""
    number, folder = 1, replays / name
    while folder.exists():
        number += 1
        folder = replays / f"{name}-{number}"
    folder.mkdir(parents=True)
    return folder.resolve()


def _target(layout: Layout, member: str) -> Path:
    top, _, rest = member.partition("/")
    folders = {"project": layout.root, "store": layout.store, "run": run_folder(layout)}
    return folders[top] / rest if top in folders else layout.root / member


def _point_to_restored(layout: Layout, moved: Mapping[str, str]) -> None:
    """Let configuration, notebooks and overrides name the restored files instead of the foreign paths."""
    files = [*layout.configuration.glob("*.yml"), *layout.notebooks.glob("*.ipynb")]
    files += [run_folder(layout) / "overrides.json", *(run_folder(layout) / "notebooks").glob("*.ipynb")]
    for file in files if moved else ():
        text = file.read_text(encoding="utf-8")
        for spelled, member in sorted(moved.items(), key=lambda pair: -len(pair[0])):
            here = (layout.root / member).as_posix()
            for form in {spelled, _in_json(spelled)}:
                text = text.replace(form, here)
        file.write_text(text, encoding="utf-8")


def _in_json(path: str) -> str:
    """Return `path` as it stands in JSON, where backslashes are doubled."""
    return json.dumps(path)[1:-1]


def steps(folder: Path, notebook: str) -> list[dict[str, Any]]:
    """Return the records of the steps that `notebook` called in the run at `folder`, oldest first."""
    records = (manifest.read(file) for file in sorted((folder / "steps").glob("*.json")))
    return [record for record in records if record and record.get("notebook") == notebook]
