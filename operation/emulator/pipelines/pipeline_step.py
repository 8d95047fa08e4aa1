"""One step of a graph as the run definition that a script run would have submitted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from operation.emulator.assets import dataflows, datasets
from operation.emulator.assets.datastores import DEFAULT
from operation.emulator.jobs import parallel_run
from operation.emulator.pipelines.pipeline_graph import (
    FAKE_OUTPUT,
    DataLocation,
    PipelineGraph,
    Values,
    parameters,
)
from operation.emulator.state import Document

_DRIVER = "driver/amlbi_main.py"  # of a ParallelRunStep: Azure adds it to the snapshot
OUTPUT = "output"  # a mode of our own: a step makes what it writes, a folder or a file
_MODES = {"0": "mount", "1": "mount", "2": "download", "3": "upload", "none": "mount"}


class Step:
    """A step of one pipeline run."""

    def __init__(
        self, graph: PipelineGraph, node: str, assigned: Values, run_id: str, finished: Mapping[str, Step]
    ) -> None:
        self.node, self.run_id, self.name = node, run_id, graph.name(node)
        self.module, self._entity = graph.modules[node], graph.nodes[node]
        self._made, self._state = finished, graph.state
        self.parameters = parameters(self._entity, self.module, assigned)
        self.inputs = graph.inputs(node, assigned)
        self._outputs = {output["Name"]: output for output in graph.outputs(node)}
        self.result = run_id  # the run that wrote the outputs: an earlier one where it is reused

    @property
    def snapshot(self) -> str:
        """Return the id of the snapshot that the step executes."""
        return str(self.module["StorageId"])

    @property
    def regenerate(self) -> bool:
        """Return whether the submission wants this step executed in any case."""
        return bool(self._entity.get("RegenerateOutput")) or not self.module["IsDeterministic"]

    @property
    def outputs(self) -> dict[str, DataLocation]:
        """Return where each output is."""
        return {name: self._output(output) for name, output in self._outputs.items() if name != FAKE_OUTPUT}

    def configuration(self) -> Document:
        """Return the run configuration: script, arguments, environment and data."""
        made = self._without_data()
        for section, entries in self._data().items():
            made[section] = {**(made.get(section) or {}), **entries}
        return made

    def _without_data(self) -> Document:
        text = self._entity.get("Runconfig") or self.module.get("Runconfig") or "{}"
        configuration: Document = dict(json.loads(text))
        script = self.parameters.get("Script") or configuration.get("script")
        configuration["script"] = parallel_run.__file__ if script == _DRIVER else script
        configuration["target"] = self.parameters.get("Target") or configuration.get("target")
        configuration["arguments"] = self.arguments()
        if self.parameters.get("Command"):  # its first word; the SDK gives the others as arguments
            configuration["command"] = " ".join([self.parameters["Command"], *configuration["arguments"]])
        configuration["environmentVariables"] = {
            **(configuration.get("environmentVariables") or {}),
            **self._variables(),
        }
        return configuration

    def arguments(self) -> list[str]:
        """Return the words after the script; inputs and outputs are still placeholders."""
        structure = self.module["StructuredInterface"].get("Arguments") or []
        return [self._word(str(argument["ValueType"]), argument["Value"]) for argument in structure]

    def identity(self) -> dict[str, Any]:
        """Return what decides whether an earlier execution can stand for this one, but for the snapshot."""
        configuration = self._without_data()
        options = [(name, self._outputs[name].get("DatasetOutputOptions")) for name in self.outputs]
        return {
            "inputs": {name: self._known(location) for name, location in sorted(self.inputs.items())},
            "reading": self._entity.get("ModuleInputSettings"),
            "words": [configuration["script"], configuration.get("command"), *configuration["arguments"]],
            "environment": configuration.get("environment"),
            "variables": configuration["environmentVariables"],
            "outputs": options,
        }

    def _word(self, kind: str, value: str) -> str:
        if kind in ("0", "Literal"):
            return value
        if kind in ("1", "Parameter"):
            return str(self.parameters[value])
        if kind in ("2", "Input"):
            return self._placeholder(value, self.inputs[value])
        if value in self._outputs and _is_dataset(self._outputs[value]):
            return f"DatasetOutputConfig:{value}"
        return f"$AZUREML_DATAREFERENCE_{value}"

    def _placeholder(self, name: str, location: DataLocation) -> str:
        consumed = self._consumed(location)
        return f"DatasetConsumptionConfig:{name}" if consumed else f"$AZUREML_DATAREFERENCE_{name}"

    def _consumed(self, location: DataLocation) -> bool:
        """Return whether the input is consumed as a dataset."""
        if not location.node:
            return bool(location.dataset)
        return self._made[location.node].gives_dataset(location.port)

    def gives_dataset(self, port: str) -> bool:
        """Return whether the output is a dataset to those who take it."""
        return _is_dataset(self._outputs[port])

    def _variables(self) -> dict[str, str]:
        """Return the parameters that the script also finds in its environment."""
        defined = self.module["StructuredInterface"].get("Parameters") or []
        exported = [parameter for parameter in defined if parameter.get("SetEnvironmentVariable")]
        names = {
            entry.get("EnvironmentVariableOverride") or f"AML_PARAMETER_{entry['Name']}": entry
            for entry in exported
        }
        return {name: str(self.parameters[entry["Name"]]) for name, entry in names.items()}

    def _data(self) -> dict[str, Document]:
        references: Document = {}
        consumed: Document = {}
        output_data: Document = {}
        for name, location in self.inputs.items():
            section = consumed if self._consumed(location) else references
            section[name] = self._input(name, location)
        for name, location in self.outputs.items():
            if _is_dataset(self._outputs[name]):
                output_data[name] = _output_data(self._outputs[name], location)
            else:
                references[name] = _reference(location, OUTPUT)
        return {"dataReferences": references, "data": consumed, "outputData": output_data}

    def _input(self, name: str, target_path: DataLocation) -> Document:
        mode = self._mode(name)
        where = self._made[target_path.node].outputs[target_path.port] if target_path.node else target_path
        if not self._consumed(target_path):
            return _reference(where, mode)
        if target_path.node and mode == "direct":
            where = DataLocation(dataset={"SavedDataSetReference": {"Id": self._read(name, where)}})
        location = {"dataset": _dataset(where.dataset), "dataPath": _data_path(where)}
        named = {"environmentVariableName": name, "pathOnCompute": None, "overwrite": False}
        return {"dataLocation": location, "mechanism": mode, "createOutputDirectories": False, **named}

    def _read(self, name: str, where: DataLocation) -> str:
        """Return the id of a dataset that reads a step's output as the graph says."""
        settings = self._entity.get("ModuleInputSettings") or []
        transformation = next(
            (setting.get("AdditionalTransformations") for setting in settings if setting["Name"] == name),
            None,
        )
        steps = dataflows.steps(transformation) if transformation else []
        flow = dataflows.flow(self._state, where.datastore, f"{where.path}/**", steps)
        return datasets.save(self._state, "tabular" if transformation else "file", flow)

    def _mode(self, name: str) -> str:
        structure = self.module["StructuredInterface"].get("Inputs") or []
        settings = [*(self._entity.get("ModuleInputSettings") or []), *structure]
        mode = next((setting.get("DataStoreMode") for setting in settings if setting["Name"] == name), None)
        return _MODES.get(str(mode), str(mode or "mount")).lower()

    def _output(self, setting: Document) -> DataLocation:
        options = setting.get("DatasetOutputOptions") or {}
        datastore = setting.get("DataStoreName") or DEFAULT
        path = options.get("PathOnDatastore")
        if path:
            filled = path.replace("{run-id}", self.result).replace("{output-name}", setting["Name"])
            return DataLocation(datastore=datastore, path=filled)
        kind = "dataset" if _is_dataset(setting) else "azureml"
        return DataLocation(datastore=datastore, path=f"{kind}/{self.result}/{setting['Name']}")

    def _known(self, location: DataLocation) -> object:
        if not location.node:
            return [location.datastore, location.path, location.dataset]
        return [self._made[location.node].result, location.port]


def _is_dataset(setting: Document) -> bool:
    # what has no options and no registration is still sent, as {}; an output that is none lacks the keys
    return setting.get("DatasetOutputOptions") is not None or setting.get("DatasetRegistration") is not None


def _reference(location: DataLocation, mode: str) -> Document:
    where = {"dataStoreName": location.datastore, "pathOnDataStore": location.path}
    return {**where, "mode": mode, "overwrite": False, "pathOnCompute": None}


def _data_path(location: DataLocation) -> Document | None:
    return (
        {"datastoreName": location.datastore, "relativePath": location.path} if location.datastore else None
    )


def _dataset(value: Document) -> Document | None:
    saved, registered = value.get("SavedDataSetReference"), value.get("DataSetReference")
    if saved:
        return {"id": saved["Id"], "name": None, "version": None}
    if registered:
        return {
            "id": registered.get("Id"),
            "name": registered.get("Name"),
            "version": registered.get("Version"),
        }
    return None


def _output_data(setting: Document, location: DataLocation) -> Document:
    registration = setting.get("DatasetRegistration") or {}
    mode = _MODES.get(str(setting.get("DataStoreMode")), str(setting.get("DataStoreMode") or "mount")).lower()
    shown = {name: registration.get(name.capitalize()) for name in ("name", "description", "tags")}
    options: Document = {"pathOnCompute": setting.get("PathOnCompute"), "mountOptions": None}
    options["registrationOptions"] = {**shown, "properties": None} if registration.get("Name") else None
    globs = ((setting.get("DatasetOutputOptions") or {}).get("SourceGlobs") or {}).get("GlobPatterns")
    options["uploadOptions"] = {"overwrite": bool(setting.get("Overwrite"))} | {
        "sourceGlobs": {"patterns": globs}
    }
    where = {"dataset": None, "dataPath": _data_path(location), "uri": None}
    named = {"environmentVariableName": setting["Name"]}
    return {"outputLocation": where, "mechanism": mode, "additionalOptions": options, **named}
