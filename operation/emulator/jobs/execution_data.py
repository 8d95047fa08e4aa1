"""Data of a run configuration: datastores and datasets become paths that the job reads and writes."""

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
    data, modes = Data(), []
    for name, reference in (configuration.get("dataReferences") or {}).items():
        path = _reference(service, state, reference, inside(folder / "data", name, "the job's data"))
        data.variables[f"AZUREML_DATAREFERENCE_{name}"] = str(path)
        data.placeholders[f"$AZUREML_DATAREFERENCE_{name}"] = str(path)
    for name, settings in (configuration.get("data") or {}).items():
        value = _consumed(service, state, name, settings, inside(folder / "data", name, "the job's data"))
        variable = settings.get("environmentVariableName") or name
        modes.append(f"{variable}:{settings.get('mechanism') or 'direct'}")
        data.variables[variable] = value
        data.placeholders[f"DatasetConsumptionConfig:{name}"] = value
    for name, settings in (configuration.get("outputData") or {}).items():
        output = _output(name, settings, folder.name)
        target = datastores.file(service, state, output["datastore"], output["path"])
        target.mkdir(parents=True, exist_ok=True)
        data.variables[output["variable"]] = data.placeholders[f"DatasetOutputConfig:{name}"] = str(target)
        data.outputs.append(output)
    variables = [str(output["variable"]) for output in data.outputs]
    data.variables["AZUREML_DATASET_ENVIRONMENT_VARS"] = ",".join(modes)
    data.variables["AZUREML_DATASET_FILE_OUTPUTS"] = ",".join(variables)
    return data


def _reference(service: Service, state: State, reference: Mapping[str, Any], local: Path) -> Path:
    path = str(reference.get("pathOnDataStore") or "")
    source = datastores.file(service, state, str(reference["dataStoreName"]), path)
    mode = str(reference.get("mode")).lower()
    if mode == "download":
        target = delivery.place_on_compute(service, reference.get("pathOnCompute"), local)
        return _copied(source, target / path.strip("/"), path)
    source.parent.mkdir(parents=True, exist_ok=True)
    if mode != "output" and not source.suffix:
        source.mkdir(parents=True, exist_ok=True)
    return source


def _consumed(service: Service, state: State, name: str, settings: Mapping[str, Any], local: Path) -> str:
    data_path = (settings.get("dataLocation") or {}).get("dataPath")
    if data_path:
        return str(
            datastores.file(service, state, data_path["datastoreName"], data_path.get("relativePath") or "")
        )
    return delivery.deliver(service, state, name, dict(settings), local)


def _copied(source: Path, target: Path, path: str) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif source.is_file():
        shutil.copyfile(source, target)
    else:
        raise HttpError(f"there is no {path} in the datastore", status=404)
    return target


def _output(name: str, settings: Mapping[str, Any], run_id: str) -> dict[str, Any]:
    data_path = ((settings.get("outputLocation") or {}).get("dataPath")) or {}
    path = str(data_path.get("relativePath") or "dataset/{run-id}/{output-name}")
    return {
        "name": name,
        "variable": settings.get("environmentVariableName") or name,
        "datastore": data_path.get("datastoreName") or datastores.DEFAULT,
        "path": path.replace("{run-id}", run_id).replace("{output-name}", name),
        "registration": (settings.get("additionalOptions") or {}).get("registrationOptions"),
    }
