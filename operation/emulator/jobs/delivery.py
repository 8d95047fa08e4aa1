"""Datasets as a job finds them: a path where the data is on this machine, or an id for the script to open."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import gettempdir
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


def deliver(service: Service, state: State, name: str, consumption: Document, folder: Path) -> str:
    """Return what stands for a consumed dataset in a job's words and environment variables."""
    consumption = _lowered(consumption)
    identity = _identity(state, name, consumption["dataLocation"])
    mode = str(consumption.get("mechanism") or "direct").lower()
    if mode == "direct":
        return identity
    kind = datasets.saved(state, identity)["datasetType"]
    if kind != "file":
        message = (
            f"Unable to {mode} dataset because the input {name} is not a FileDataset but a TabularDataset."
        )
        raise HttpError(f"{message} Please make sure you pass a FileDataset.")
    source = _in_place(service, state, identity)
    target = place_on_compute(service, consumption.get("pathOnCompute"), folder)
    if source is None:
        return str(_fetched(service, state, identity, target))
    if mode == "mount" and not consumption.get("pathOnCompute"):
        return str(source)
    return str(_copied(source, target))


def place_on_compute(service: Service, requested: str | None, folder: Path) -> Path:
    """Return where a job gets its data: at `requested` below `folder`, or in the temporary folder."""
    if not requested or not Path(requested).is_absolute():
        return inside(folder, requested or "", "the job's data")
    target, own, temporary = Path(requested).resolve(), service.folder.resolve(), Path(gettempdir()).resolve()
    if not target.is_relative_to(temporary) or target.is_relative_to(own) or own.is_relative_to(target):
        raise HttpError(f"path_on_compute {requested}: use a relative path, or a free one below {temporary}")
    return target


def _copied(source: Path, target: Path) -> Path:
    """Copy a file into `target`, or what is in a folder; return where the data is now."""
    target.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        return shutil.copytree(source, target, dirs_exist_ok=True)
    return Path(shutil.copy2(source, target))


def register(state: State, output: Document) -> None:
    """Register what a job wrote, where its configuration gives it a name."""
    options = _lowered(output.get("registration") or {})
    if not options.get("name"):
        return
    transformation = (options.get("datasetRegistrationOptions") or {}).get("additionalTransformation")
    steps = dataflows.steps(transformation) if transformation else []
    path = f"{output['path']}/**" if steps else output["path"]
    latest = {"dataflow": dataflows.flow(state, output["datastore"], path, steps)}
    registration = {"name": options["name"], "datasetType": "tabular" if steps else "file", "latest": latest}
    datasets.register(
        state, registration | {key: options.get(key) for key in ("description", "tags")}, over=True
    )


def _lowered(document: Any) -> Any:
    """Return `document` with names that start lower, those within too."""
    if isinstance(document, dict):
        return {key: _lowered(value) for key, value in lowered(document).items()}
    return document


def _identity(state: State, name: str, location: Document) -> str:
    reference = location.get("dataset") or {}
    registration = state.get("datasets", str(reference.get("id")))
    if registration:  # as pipelines name one; others name what was saved
        return datasets.identity(state, registration["name"], reference.get("version"))
    if reference.get("id"):
        return str(datasets.saved(state, reference["id"])["id"])
    if reference.get("name"):
        return datasets.identity(state, reference["name"], reference.get("version"))
    raise HttpError(f"the input {name} names no dataset: neither by id nor by name")


def _in_place(service: Service, state: State, identity: str) -> Path | None:
    """Return where the data is when the dataset is one file or folder of ours, as it is; else None."""
    flow = yaml.safe_load(datasets.definition(state, identity))
    if flow.get("transformations") or len(flow["paths"]) != 1:
        return None
    (address,) = _addresses(state, identity)
    store, separator, path = address.partition("/datastores/")[2].partition("/paths/")
    container = datastores.folder(service, state, store) if separator else None
    if container is None or PATTERN & set(path):
        return None
    path = unquote(path)
    source = (
        blobs.file(service, container.parent.name, container.name, path) if path.strip("/") else container
    )
    # names that this machine's files cannot have are kept encoded: the engine decodes them
    names = [str(source), *(str(file) for file in source.rglob("*"))] if source.exists() else ["%"]
    return None if any("%" in entry for entry in names) else source


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
    files = [file for file in target.rglob("*") if file.is_file()]
    places = _addresses(state, identity)
    # the path of a single file stands for that file; a pattern for a folder, whatever it matches
    alone = len(files) == len(places) == 1 and not PATTERN & set(places[0])
    return files[0] if alone and places[0].endswith(f"/{quote(files[0].name)}") else target


def _addresses(state: State, identity: str) -> list[str]:
    flow = yaml.safe_load(datasets.definition(state, identity))
    return [str(address) for path in flow["paths"] for address in path.values()]
