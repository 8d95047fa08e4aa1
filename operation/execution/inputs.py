"""Inputs of a step, uploaded once under the digest of their content."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azureml.core import Datastore
    from azureml.data.data_reference import DataReference

FOLDER = "workbench/inputs"


def upload(datastore: Datastore, name: str, path: Path, digest: str) -> DataReference:
    """Upload a file or folder, unless the datastore has this content, and return a reference to mount it by.

    Parameters
    ----------
    datastore : Datastore
        Usually the workspace's default one.
    name : str
        The argument that reads it.
    path : Path
        A file or folder; a file keeps its name, because scripts choose a reader by it.
    digest : str
        SHA-256 of the content.
    """
    from azureml.data.data_reference import DataReference

    place = f"{FOLDER}/{digest[:64]}"
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
