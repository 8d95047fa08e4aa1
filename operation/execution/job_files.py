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
            copy = partial / file.relative_to(script.parent)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        partial.rename(target)
    return target


def _digest(files: list[Path], folder: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{file.relative_to(folder).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()[:16]


def environment(layout: Layout, name: str) -> Environment:
    """Return the environment that ``configuration/environments/<name>.yml`` describes.

    Its versions are those of ``environment.yml``: a test holds the two files together.
    """
    from azureml.core import Environment
    from azureml.core.conda_dependencies import CondaDependencies

    folder = layout.configuration / "environments"
    names = sorted(file.stem for file in folder.glob("*.yml"))
    if name not in names:
        raise UsageError(
            f"unknown environment of packages '{name}': there is no configuration/environments/{name}.yml."
            f"{did_you_mean(name, names)} Known: {listed(names, 'and')}."
        )
    packages = CondaDependencies(str(folder / f"{name}.yml"))
    packages.set_python_version(python_version())  # to the letter: a step's key holds it
    registered = Environment(str(packages.as_dict().get("name", name)))
    registered.python.conda_dependencies = packages
    return registered


def upload(datastore: Datastore, name: str, path: Path, digest: str) -> DataReference:
    """Upload a file or folder unless the datastore has its content, and return what mounts it."""
    from azureml.data.data_reference import DataReference

    target = f"{INPUTS}/{digest[:64]}"
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    base = path.parent if path.is_file() else path
    # what supersedes this uploads by a native library that heeds no proxy and no certificate of ours
    logging.getLogger("azureml.data._dataset_deprecation").setLevel(logging.ERROR)
    datastore.upload_files(
        [str(file) for file in files],
        relative_root=str(base),
        target_path=target,
        overwrite=False,
        show_progress=False,
    )
    mounted = f"{target}/{path.name}" if path.is_file() else target
    return DataReference(datastore, name.replace("-", "_"), mounted, mode="mount")
