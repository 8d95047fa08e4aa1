"""Datasets as a job finds them: a path where the data is on this machine, or an id for the script to open."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import yaml

from operation.rehearsal.assets import datasets, datastores
from operation.rehearsal.history import blobs
from operation.rehearsal.http import Refused
from operation.rehearsal.state import State

if TYPE_CHECKING:
    from operation.rehearsal.service import Service

Document = dict[str, Any]
PATTERN = set("*?[")


def deliver(service: Service, state: State, name: str, given: Document, folder: Path) -> str:
    """Return what stands for a consumed dataset in a job's words and environment variables.

    Parameters
    ----------
    service : Service
        The service, whose blobs are plain files.
    state : State
        The state of the dataset's workspace.
    name : str
        The input's name.
    given : dict
        The input in the run configuration's section ``data``.
    folder : Path
        Where data is put that is downloaded, or cannot be read where it is; need not exist.

    Returns
    -------
    str
        The dataset's id for mode direct; for the others the path of its only file, or of a folder.

    Raises
    ------
    Refused
        404 when there is no such dataset, 400 when it cannot be a path or its data cannot be read.
    """
    given = _lowered(given)
    identity = _identity(state, name, given["dataLocation"])
    mode = str(given.get("mechanism") or "direct").lower()
    if mode == "direct":
        return identity
    kind = datasets.saved(state, identity)["datasetType"]
    if kind != "file":
        said = f"Unable to {mode} dataset because the input {name} is not a FileDataset but a TabularDataset."
        raise Refused(400, "UserError", f"{said} Please make sure you pass a FileDataset.")
    there = _in_place(service, state, identity)
    target = folder / (given.get("pathOnCompute") or "")  # an absolute one takes the folder's place
    if there is None:
        return str(_fetched(service, state, identity, target))
    if mode == "mount" and not given.get("pathOnCompute"):
        return str(there)
    return str(_copied(there, target))


def _copied(there: Path, target: Path) -> Path:
    """Copy a file into `target`, or what is in a folder; return where the data is now."""
    target.mkdir(parents=True, exist_ok=True)
    if there.is_dir():
        return shutil.copytree(there, target, dirs_exist_ok=True)
    return Path(shutil.copy2(there, target))


def keep(service: Service, state: State, output: Document) -> None:
    """Register what a job wrote, where its configuration gives it a name.

    Parameters
    ----------
    service : Service
        The service.
    state : State
        The workspace's state.
    output : dict
        ``datastore`` and ``path``, and ``registration`` as the run configuration has it.

    Raises
    ------
    Refused
        400, when the steps that make a table of it cannot be read.
    """
    options = _lowered(output.get("registration") or {})
    if not options.get("name"):
        return
    steps = (options.get("datasetRegistrationOptions") or {}).get("additionalTransformation")
    if steps:
        wanted = json.dumps({**options, "steps": steps, "store": output["datastore"], "path": output["path"]})
        _ask_engine(service, state, f"the output {options['name']} cannot be registered", "register", wanted)
        return
    place = str((state.get("workspace", "workspace") or {})["id"])
    place = place.replace("/providers/Microsoft.MachineLearningServices", "")
    place = place.replace("/resourceGroups/", "/resourcegroups/")  # as the engine writes it itself
    address = f"azureml:/{place}/datastores/{output['datastore']}/paths/{output['path']}"
    flow = yaml.safe_dump({"type": "mltable", "paths": [{"pattern": address}]}, sort_keys=False)
    latest = {"dataflow": json.dumps({"blocks": [], "meta": {"RsDataflow": flow}})}
    given = {"name": options["name"], "datasetType": "file", "latest": latest}
    datasets.register(state, given | {key: options.get(key) for key in ("description", "tags")}, over=True)


def _lowered(given: Any) -> Any:
    """Return `given` with names that start lower: some of the SDK's writers begin them with a capital."""
    if isinstance(given, dict):
        return {key[:1].lower() + key[1:]: _lowered(value) for key, value in given.items()}
    return given


def _identity(state: State, name: str, location: Document) -> str:
    wanted = location.get("dataset") or {}
    if wanted.get("id"):
        return str(datasets.saved(state, wanted["id"])["id"])
    if wanted.get("name"):
        return datasets.identity(state, wanted["name"], wanted.get("version"))
    raise Refused(400, "UserError", f"the input {name} names no dataset: neither by id nor by name")


def _in_place(service: Service, state: State, identity: str) -> Path | None:
    """Return where the data is when the dataset is one file or folder of ours, as it is; else None."""
    flow = yaml.safe_load(datasets.definition(state, identity))
    if flow.get("transformations") or len(flow["paths"]) != 1:
        return None
    (address,) = _addresses(state, identity)
    store, found, path = address.partition("/datastores/")[2].partition("/paths/")
    container = datastores.folder(service, state, store) if found else None
    if container is None or PATTERN & set(path):
        return None
    path = unquote(path)
    there = blobs.file(service, container.parent.name, container.name, path) if path.strip("/") else container
    # names that this machine's files cannot have are kept encoded: the engine decodes them
    names = [str(there), *(str(one) for one in there.rglob("*"))] if there.exists() else ["%"]
    return None if any("%" in each for each in names) else there


def _fetched(service: Service, state: State, identity: str, target: Path) -> Path:
    """Let the SDK's own engine bring the data."""
    _ask_engine(
        service, state, f"the data of dataset {identity} cannot be read", "fetch", identity, str(target)
    )
    files = [one for one in target.rglob("*") if one.is_file()]
    places = _addresses(state, identity)
    # the path of a single file stands for that file; a pattern for a folder, whatever it matches
    alone = len(files) == len(places) == 1 and not PATTERN & set(places[0])
    return files[0] if alone and places[0].endswith(f"/{quote(files[0].name)}") else target


def _ask_engine(service: Service, state: State, failed: str, *words: str) -> None:
    """Run the SDK's own engine on our data, in a process that ends with what it allocated."""
    known = state.get("workspace", "workspace")
    command = [
        sys.executable,
        "-m",
        "operation.rehearsal.jobs.delivery_engine",
        str((known or {})["id"]),
        *words,
    ]
    done = subprocess.run(
        command,
        env={**os.environ, **service.environment},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise Refused(400, "UserError", f"{failed}: {' '.join(last)}")


def _addresses(state: State, identity: str) -> list[str]:
    flow = yaml.safe_load(datasets.definition(state, identity))
    return [str(address) for one in flow["paths"] for address in one.values()]
