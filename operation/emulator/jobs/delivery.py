"""Datasets as a job finds them: a path where the data is on this machine, or an id for the script to open."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import yaml

from operation.emulator.assets import dataflows, datasets, datastores
from operation.emulator.history import blobs
from operation.emulator.http import HttpError, lowered
from operation.emulator.paths import inside
from operation.emulator.service import Service
from operation.emulator.state import Document, State

PATTERN = set("*?[")


def deliver(service: Service, state: State, name: str, given: Document, folder: Path) -> str:
    """Return what stands for a consumed dataset in a job's words and environment variables."""
    given = _lowered(given)
    identity = _identity(state, name, given["dataLocation"])
    mode = str(given.get("mechanism") or "direct").lower()
    if mode == "direct":
        return identity
    kind = datasets.saved(state, identity)["datasetType"]
    if kind != "file":
        said = f"Unable to {mode} dataset because the input {name} is not a FileDataset but a TabularDataset."
        raise HttpError(f"{said} Please make sure you pass a FileDataset.")
    there = _in_place(service, state, identity)
    target = place_on_compute(service, given.get("pathOnCompute"), folder)
    if there is None:
        return str(_fetched(service, state, identity, target))
    if mode == "mount" and not given.get("pathOnCompute"):
        return str(there)
    return str(_copied(there, target))


def place_on_compute(service: Service, wanted: str | None, folder: Path) -> Path:
    """Return where data is put that a job wants at `wanted`: below `folder`, or not among our own."""
    if not wanted or not Path(wanted).is_absolute():
        return inside(folder, wanted or "", "the job's data")
    target, own = Path(wanted).resolve(), service.folder.resolve()
    if target.is_relative_to(own) or own.is_relative_to(target):
        raise HttpError(f"path_on_compute {wanted} is where the emulator keeps its own files")
    return target


def _copied(there: Path, target: Path) -> Path:
    """Copy a file into `target`, or what is in a folder; return where the data is now."""
    target.mkdir(parents=True, exist_ok=True)
    if there.is_dir():
        return shutil.copytree(there, target, dirs_exist_ok=True)
    return Path(shutil.copy2(there, target))


def keep(state: State, output: Document) -> None:
    """Register what a job wrote, where its configuration gives it a name."""
    options = _lowered(output.get("registration") or {})
    if not options.get("name"):
        return
    words = (options.get("datasetRegistrationOptions") or {}).get("additionalTransformation")
    steps = dataflows.steps(words) if words else []
    path = f"{output['path']}/**" if steps else output["path"]
    latest = {"dataflow": dataflows.flow(state, output["datastore"], path, steps)}
    given = {"name": options["name"], "datasetType": "tabular" if steps else "file", "latest": latest}
    datasets.register(state, given | {key: options.get(key) for key in ("description", "tags")}, over=True)


def _lowered(given: Any) -> Any:
    """Return `given` with names that start lower, those within too."""
    if isinstance(given, dict):
        return {key: _lowered(value) for key, value in lowered(given).items()}
    return given


def _identity(state: State, name: str, location: Document) -> str:
    wanted = location.get("dataset") or {}
    registration = state.get("datasets", str(wanted.get("id")))
    if registration:  # as pipelines name one; others name what was saved
        return datasets.identity(state, registration["name"], wanted.get("version"))
    if wanted.get("id"):
        return str(datasets.saved(state, wanted["id"])["id"])
    if wanted.get("name"):
        return datasets.identity(state, wanted["name"], wanted.get("version"))
    raise HttpError(f"the input {name} names no dataset: neither by id nor by name")


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
    """Let the SDK's own engine bring the data, in a process that ends with what it allocated."""
    workspace = str((state.get("workspace", "workspace") or {})["id"])
    done = subprocess.run(
        [
            sys.executable,
            str(Path(__file__).with_name("delivery_engine.py")),
            workspace,
            identity,
            str(target),
        ],
        env={**os.environ, **service.environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise HttpError(f"the data of dataset {identity} cannot be read: {' '.join(last)}")
    files = [one for one in target.rglob("*") if one.is_file()]
    places = _addresses(state, identity)
    # the path of a single file stands for that file; a pattern for a folder, whatever it matches
    alone = len(files) == len(places) == 1 and not PATTERN & set(places[0])
    return files[0] if alone and places[0].endswith(f"/{quote(files[0].name)}") else target


def _addresses(state: State, identity: str) -> list[str]:
    flow = yaml.safe_load(datasets.definition(state, identity))
    return [str(address) for one in flow["paths"] for address in one.values()]
