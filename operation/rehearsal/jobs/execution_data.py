"""Data of a run configuration: datastores and datasets become paths that the job reads and writes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.rehearsal.assets import datastores
from operation.rehearsal.http import Refused
from operation.rehearsal.jobs import delivery

if TYPE_CHECKING:
    from operation.rehearsal.service import Service
    from operation.rehearsal.state import State


@dataclass
class Data:
    """What a job is told of its data.

    Parameters
    ----------
    placeholders : dict[str, str]
        What stands in arguments, and the path that takes its place.
    variables : dict[str, str]
        Environment variables.
    outputs : list[dict[str, Any]]
        Where outputs go, and under which name they are registered.
    """

    placeholders: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    outputs: list[dict[str, Any]] = field(default_factory=list)

    def in_words(self, word: object) -> str:
        """Return an argument with paths in place of what stands for them."""
        text = str(word)
        if text in self.placeholders:
            return self.placeholders[text]
        # a name may begin like another one: the longest is looked for first
        for name in sorted(self.placeholders, key=len, reverse=True):
            text = text.replace(name, self.placeholders[name])
        return text


def resolve(service: Service, state: State, configuration: Mapping[str, Any], folder: Path) -> Data:
    """Return the data of a run configuration as paths.

    Parameters
    ----------
    service : Service
        The service.
    state : State
        The workspace's state.
    configuration : Mapping[str, Any]
        With ``dataReferences``, ``data`` and ``outputData``.
    folder : Path
        Where what is downloaded goes.

    Raises
    ------
    Refused
        404, for a datastore, a dataset or a path that is not there.
    """
    found = Data()
    for name, reference in (configuration.get("dataReferences") or {}).items():
        path = _reference(service, state, reference, folder / "data" / name)
        found.variables[f"AZUREML_DATAREFERENCE_{name}"] = str(path)
        found.placeholders[f"$AZUREML_DATAREFERENCE_{name}"] = str(path)
    modes = []
    for name, one in (configuration.get("data") or {}).items():
        value = _consumed(service, state, name, one, folder / "data" / name)
        variable = one.get("environmentVariableName") or name
        modes.append(f"{variable}:{one.get('mechanism') or 'direct'}")
        found.variables[variable] = value
        found.placeholders[f"DatasetConsumptionConfig:{name}"] = value
    for name, one in (configuration.get("outputData") or {}).items():
        place = _place(one, folder.name, name)
        _output(name, one, place, _store(service, state, place["datastore"]), found)
    written = [str(one["variable"]) for one in found.outputs]
    found.variables["AZUREML_DATASET_ENVIRONMENT_VARS"] = ",".join(modes)
    found.variables["AZUREML_DATASET_FILE_OUTPUTS"] = ",".join(written)
    return found


def _reference(service: Service, state: State, reference: Mapping[str, Any], local: Path) -> Path:
    path = str(reference.get("pathOnDataStore") or "")
    root = _store(service, state, str(reference["dataStoreName"]))
    mode = str(reference.get("mode")).lower()
    if mode == "download":
        wanted = reference.get("pathOnCompute")
        return _copied([(path, root / path)], Path(wanted) if wanted else local)
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    if mode != "output" and not (root / path).suffix:
        (root / path).mkdir(parents=True, exist_ok=True)
    return root / path


def _store(service: Service, state: State, name: str) -> Path:
    root = datastores.folder(service, state, name)
    if root is None:
        said = f"datastore {name} is not kept by the rehearsal, so a job cannot mount it"
        raise Refused(400, "UserError", said)
    return root


def _consumed(service: Service, state: State, name: str, one: Mapping[str, Any], local: Path) -> str:
    location = one.get("dataLocation") or {}
    if location.get("dataPath"):
        place = location["dataPath"]
        root = _store(service, state, place["datastoreName"])
        return str(root / (place.get("relativePath") or ""))
    return delivery.deliver(service, state, name, dict(one), local)


def _copied(files: list[tuple[str, Path]], local: Path) -> Path:
    for name, path in files:
        target = local / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, target, dirs_exist_ok=True)
        elif path.is_file():
            shutil.copyfile(path, target)
        else:
            raise Refused(404, "UserError", f"there is no {name} in the datastore")
    return local / files[0][0] if len(files) == 1 else local


def _place(one: Mapping[str, Any], run_id: str, name: str) -> dict[str, str]:
    given = ((one.get("outputLocation") or {}).get("dataPath")) or {}
    path = str(given.get("relativePath") or "dataset/{run-id}/{output-name}")
    path = path.replace("{run-id}", run_id).replace("{output-name}", name)
    return {"datastore": given.get("datastoreName") or datastores.DEFAULT, "path": path}


def _output(name: str, one: Mapping[str, Any], place: dict[str, str], root: Path, found: Data) -> None:
    target = root / place["path"]
    target.mkdir(parents=True, exist_ok=True)
    variable = one.get("environmentVariableName") or name
    found.variables[variable] = found.placeholders[f"DatasetOutputConfig:{name}"] = str(target)
    registration = (one.get("additionalOptions") or {}).get("registrationOptions")
    found.outputs.append({"name": name, "variable": variable, **place, "registration": registration})
