"""Files on their way between machines: packed, unpacked, paths in them replaced."""

import io
import json
import shutil
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from operation.engine.foundation import manifest
from operation.engine.foundation.layout import Layout
from operation.engine.identity.digests import Digests
from operation.engine.identity.store import Store


def pack(folder: Path, files: Iterable[Path]) -> bytes:
    """Return `files`, which are below `folder`, as a ZIP archive."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in sorted(files):
            archive.write(file, file.relative_to(folder).as_posix())
    return content.getvalue()


def pack_folder(folder: Path) -> bytes:
    """Return all files below `folder` as a ZIP archive."""
    return pack(folder, (file for file in folder.rglob("*") if file.is_file()))


def unpack(content: bytes, folder: Path, moved: Mapping[str, str] | None = None) -> None:
    """Write an archive's files below `folder`.

    In JSON and notebooks, each folder of the other machine in `moved` becomes the one that stands for it
    here.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            target = folder / name
            if not target.resolve().is_relative_to(folder.resolve()):
                raise ValueError(f"an archive names a file outside its folder: {name}")
            target.parent.mkdir(parents=True, exist_ok=True)
            body = archive.read(name)
            is_text = target.suffix in {".json", ".ipynb"}
            target.write_bytes(at_home(body.decode(), moved).encode() if moved and is_text else body)


def at_home(text: str, moved: Mapping[str, str]) -> str:
    """Return `text` with the folders of another machine as they are called here."""
    for there, here in moved.items():
        text = text.replace(json.dumps(there)[1:-1], json.dumps(here)[1:-1])
    return text


def pack_entry(layout: Layout, key: str) -> bytes:
    """Return one entry of the store."""
    return pack_folder(layout.store / key)


def take_entry(layout: Layout, key: str, content: bytes, **changes: Any) -> None:
    """Put an entry of another machine's store into this one, unless it is there.

    `changes` are values of its manifest here; ``moved`` is for `at_home`.
    """
    store = Store(layout.store, Digests(layout.runs / "digests.db"))
    if store.find(key):
        return
    moved = changes.pop("moved", None)
    with store.writing(key) as folder:
        unpack(content, folder)
        file = folder / "manifest.json"
        text = file.read_text(encoding="utf-8")
        record = json.loads(at_home(text, moved) if moved else text)
        file.unlink()
        names = list(record["outputs"])
        store.commit(key, folder, {**_unsealed(record), "outputs": names, **changes})


def _unsealed(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "seal"}


def copy_project(layout: Layout, inputs: Iterable[Path], folder: Path) -> None:
    """Copy what steps need of a project into `folder`: code, configuration, lock file, `inputs`."""
    ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.partial-*")
    for source in (layout.src, layout.notebooks, layout.configuration):
        shutil.copytree(source, folder / source.name, ignore=ignored)
    package = Path(manifest.__file__).resolve().parents[2]
    shutil.copytree(package, folder / package.name, ignore=ignored)
    for file in (layout.lock, *inputs):
        if file.exists() and file.is_relative_to(layout.root):
            target = folder / file.relative_to(layout.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            if file.is_dir():
                shutil.copytree(file, target, ignore=ignored, dirs_exist_ok=True)
            else:
                shutil.copy2(file, target)
