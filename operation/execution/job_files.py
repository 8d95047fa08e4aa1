"""What a job needs: its code, its packages, its data."""

from __future__ import annotations

import hashlib
import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.nearest import did_you_mean, listed
from operation.engine.identity.keys import python_version
from operation.engine.identity.source import dependencies

if TYPE_CHECKING:
    from azureml.core import Datastore, Environment
    from azureml.data.data_reference import DataReference

INPUTS = "workbench/inputs"  # in the datastore


def snapshot(layout: Layout, script: Path) -> Path:
    """Return a folder with `script` and what it can come to import, flat as in ``src/``.

    Azure ML compares snapshots to decide whether a step of a pipeline is reused. Were all of ``src/``
    sent, a change of one script would execute every step again; so each step has its own, made of the
    files that its key is made of.
    """
    files = dependencies(script)
    target = layout.runs / "snapshots" / f"{script.stem}-{_digest(files, script.parent)}"
    if not target.exists():
        partial = target.with_name(f"{target.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        for file in files:
            place = partial / file.relative_to(script.parent)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
        partial.rename(target)
    return target


def _digest(files: list[Path], folder: Path) -> str:
    whole = hashlib.sha256()
    for file in files:
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        whole.update(f"{file.relative_to(folder).as_posix()}\0{content}\n".encode())
    return whole.hexdigest()[:16]


def environment(layout: Layout, name: str) -> Environment:
    """Return the environment that ``configuration/environments/<name>.yml`` describes.

    Its versions are those of ``environment.yml``: a test holds the two files together.
    """
    from azureml.core import Environment
    from azureml.core.conda_dependencies import CondaDependencies

    folder = layout.configuration / "environments"
    known = sorted(file.stem for file in folder.glob("*.yml"))
    if name not in known:
        file = f"configuration/environments/{name}.yml"
        hint = did_you_mean(name, known)
        raise UsageError(
            f"unknown environment of packages '{name}': there is no {file}.{hint} "
            f"Known: {listed(known, 'and')}."
        )
    packages = CondaDependencies(str(folder / f"{name}.yml"))
    packages.set_python_version(python_version())  # to the letter: a step's key holds it
    made = Environment(str(packages.as_dict().get("name", name)))
    made.python.conda_dependencies = packages
    return made


def upload(datastore: Datastore, name: str, path: Path, digest: str) -> DataReference:
    """Upload a file or folder where the datastore has not its content, and return what mounts it."""
    from azureml.data.data_reference import DataReference

    place = f"{INPUTS}/{digest[:64]}"
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    base = path.parent if path.is_file() else path
    # what supersedes this uploads by a native library that heeds no proxy and no certificate of ours
    logging.getLogger("azureml.data._dataset_deprecation").setLevel(logging.ERROR)
    datastore.upload_files(
        [str(file) for file in files],
        relative_root=str(base),
        target_path=place,
        overwrite=False,
        show_progress=False,
    )
    there = f"{place}/{path.name}" if path.is_file() else place
    return DataReference(datastore, name.replace("-", "_"), there, mode="mount")
