"""Data of a run configuration: datastores and datasets become paths that the job reads and writes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from operation.emulator.assets import datastores
from operation.emulator.http import HttpError
from operation.emulator.jobs import delivery
from operation.emulator.paths import inside
from operation.emulator.service import Service
from operation.emulator.state import State


@dataclass
class Data:
    """What a job is told of its data."""

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
    """Return the data of a run configuration as paths; what is downloaded goes below `folder`."""
    found, modes = Data(), []
    for name, reference in (configuration.get("dataReferences") or {}).items():
        path = _reference(service, state, reference, inside(folder / "data", name, "the job's data"))
        found.variables[f"AZUREML_DATAREFERENCE_{name}"] = str(path)
        found.placeholders[f"$AZUREML_DATAREFERENCE_{name}"] = str(path)
    for name, one in (configuration.get("data") or {}).items():
        value = _consumed(service, state, name, one, inside(folder / "data", name, "the job's data"))
        variable = one.get("environmentVariableName") or name
        modes.append(f"{variable}:{one.get('mechanism') or 'direct'}")
        found.variables[variable] = value
        found.placeholders[f"DatasetConsumptionConfig:{name}"] = value
    for name, one in (configuration.get("outputData") or {}).items():
        output = _output(name, one, folder.name)
        target = datastores.file(service, state, output["datastore"], output["path"])
        target.mkdir(parents=True, exist_ok=True)
        found.variables[output["variable"]] = found.placeholders[f"DatasetOutputConfig:{name}"] = str(target)
        found.outputs.append(output)
    written = [str(one["variable"]) for one in found.outputs]
    found.variables["AZUREML_DATASET_ENVIRONMENT_VARS"] = ",".join(modes)
    found.variables["AZUREML_DATASET_FILE_OUTPUTS"] = ",".join(written)
    return found


def _reference(service: Service, state: State, reference: Mapping[str, Any], local: Path) -> Path:
    path = str(reference.get("pathOnDataStore") or "")
    there = datastores.file(service, state, str(reference["dataStoreName"]), path)
    mode = str(reference.get("mode")).lower()
    if mode == "download":
        target = delivery.place_on_compute(service, reference.get("pathOnCompute"), local)
        return _copied(there, target / path.strip("/"), path)
    there.parent.mkdir(parents=True, exist_ok=True)
    if mode != "output" and not there.suffix:
        there.mkdir(parents=True, exist_ok=True)
    return there


def _consumed(service: Service, state: State, name: str, one: Mapping[str, Any], local: Path) -> str:
    place = (one.get("dataLocation") or {}).get("dataPath")
    if place:
        return str(datastores.file(service, state, place["datastoreName"], place.get("relativePath") or ""))
    return delivery.deliver(service, state, name, dict(one), local)


def _copied(there: Path, target: Path, path: str) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    if there.is_dir():
        shutil.copytree(there, target, dirs_exist_ok=True)
    elif there.is_file():
        shutil.copyfile(there, target)
    else:
        raise HttpError(f"there is no {path} in the datastore", status=404)
    return target


def _output(name: str, one: Mapping[str, Any], run_id: str) -> dict[str, Any]:
    given = ((one.get("outputLocation") or {}).get("dataPath")) or {}
    path = str(given.get("relativePath") or "dataset/{run-id}/{output-name}")
    return {
        "name": name,
        "variable": one.get("environmentVariableName") or name,
        "datastore": given.get("datastoreName") or datastores.DEFAULT,
        "path": path.replace("{run-id}", run_id).replace("{output-name}", name),
        "registration": (one.get("additionalOptions") or {}).get("registrationOptions"),
    }
