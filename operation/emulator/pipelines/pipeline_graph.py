"""A submitted graph, read: which step needs which, and where the data of a port is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from operation.emulator.http import HttpError
from operation.emulator.pipelines.entities import MODULES, SOURCES, load
from operation.emulator.state import Document, State

FAKE_INPUT, FAKE_OUTPUT = "_run_after_input", "_run_after_output"  # ports that only say "after"
FROM_GRAPH = ("1", "GraphParameterName")
SCRIPT = "escloud"  # how a script step says that it is executed


@dataclass(frozen=True)
class DataLocation:
    """Where data is: a path on a datastore, a dataset, or the output of a step."""

    datastore: str = ""
    path: str = ""
    dataset: Document = field(default_factory=dict)
    node: str = ""
    port: str = ""


@dataclass(frozen=True)
class Values:
    """What the parameters of a graph are in one run, by name."""

    plain: Mapping[str, str]
    paths: Mapping[str, Document]
    datasets: Mapping[str, Document]


def values(interface: Document, submission: Document) -> Values:
    """Return the parameters' values: what was given over what the graph has by default."""
    plain = _defaults(interface, "Parameters")
    paths = _defaults(interface, "DataPathParameters")
    datasets = _defaults(interface, "DataPathParameterList")
    assigned = submission.get("ParameterAssignments") or {}
    unknown = sorted(set(assigned) - set(plain) - set(paths) - set(datasets))
    if unknown:
        names = ", ".join(sorted({*plain, *paths, *datasets})) or "none"
        raise HttpError(f"the pipeline has no parameter {unknown[0]!r}; it has: {names}", "BadRequest")
    return Values(
        plain | {name: str(value) for name, value in assigned.items()},
        paths | (submission.get("DataPathAssignments") or {}),
        datasets | (submission.get("DataSetDefinitionValueAssignments") or {}),
    )


def by_default(interface: Document) -> dict[str, Any]:
    """Return the parameters' values as the SDK reads them: a path is ``datastore/path``."""
    paths = _defaults(interface, "DataPathParameters").items()
    joined = {name: f"{path['DataStoreName']}/{path.get('RelativePath') or ''}" for name, path in paths}
    return {**_defaults(interface, "Parameters"), **joined}


def _defaults(interface: Document, kind: str) -> dict[str, Any]:
    return {entry["Name"]: entry.get("DefaultValue") for entry in interface.get(kind) or []}


class PipelineGraph:
    """A graph with what its nodes refer to."""

    def __init__(self, document: Document, state: State) -> None:
        self.nodes: dict[str, Document] = {node["Id"]: node for node in document.get("ModuleNodes") or []}
        self.modules = {name: load(state, MODULES, node["ModuleId"]) for name, node in self.nodes.items()}
        self._data: dict[str, Document] = {data["Id"]: data for data in document.get("DatasetNodes") or []}
        self._edges: list[Document] = document.get("Edges") or []
        self.state = state

    def name(self, node: str) -> str:
        """Return the name of a step."""
        return str(self.modules[node]["Name"])

    def before(self, node: str) -> set[str]:
        """Return the steps that must have ended before this one."""
        ends = (edge["SourceOutputPort"]["NodeId"] for edge in self._into(node))
        return {end for end in ends if end in self.nodes}

    def after(self, node: str) -> set[str]:
        """Return the steps that cannot start when this one does not complete, near and far."""
        near = {other for other in self.nodes if node in self.before(other)}
        return near.union(*(self.after(other) for other in near))

    def inputs(self, node: str, assigned: Values) -> dict[str, DataLocation]:
        """Return where the data of each input port is."""
        return {
            edge["DestinationInputPort"]["PortName"]: self._place(edge["SourceOutputPort"], assigned)
            for edge in self._into(node)
            if not edge["DestinationInputPort"]["PortName"].startswith(FAKE_INPUT)
        }

    def outputs(self, node: str) -> list[Document]:
        """Return the settings of the output ports."""
        return list(self.nodes[node].get("ModuleOutputSettings") or [])

    def named(self) -> dict[str, DataLocation]:
        """Return the outputs of the graph itself, by name."""
        ends = ((edge["DestinationInputPort"].get("GraphPortName"), edge) for edge in self._edges)
        return {name: _output(edge["SourceOutputPort"]) for name, edge in ends if name}

    def _into(self, node: str) -> list[Document]:
        return [edge for edge in self._edges if edge["DestinationInputPort"].get("NodeId") == node]

    def _place(self, port: Document, assigned: Values) -> DataLocation:
        node = port["NodeId"]
        return _output(port) if node in self.nodes else self._source(self._data[node], assigned)

    def _source(self, node: Document, assigned: Values) -> DataLocation:
        if node.get("DataPathParameterName"):
            path = assigned.paths[node["DataPathParameterName"]]
            return DataLocation(datastore=path["DataStoreName"], path=path.get("RelativePath") or "")
        if node.get("DatasetId"):
            location = load(self.state, SOURCES, node["DatasetId"])["DataLocation"]["DataReference"]
            blob = location["AzureBlobReference"]
            return DataLocation(datastore=blob["AmlDataStoreName"], path=blob.get("RelativePath") or "")
        definition = node["DataSetDefinition"]
        named = definition.get("ParameterName")
        return DataLocation(dataset=assigned.datasets[named] if named else definition["Value"])


def executable(state: State, document: Document) -> None:
    """Raise unless the emulator can execute each step of a graph."""
    for module in PipelineGraph(document, state).modules.values():
        kind = module.get("ModuleExecutionType") or SCRIPT
        what = module.get("StepType") or kind
        if kind != SCRIPT or not module.get("StorageId"):
            message = f"Step '{module['Name']}' is a {what}, which the emulator does not execute. "
            message += "Use a PythonScriptStep, a ParallelRunStep or a CommandStep."
            raise HttpError(message, "NotSupported")


def _output(port: Document) -> DataLocation:
    return DataLocation(node=port["NodeId"], port=port["PortName"])


def parameters(node: Document, module: Document, assigned: Values) -> dict[str, Any]:
    """Return the parameters of one step, those of the graph filled in; None for what has no value."""
    structure = module["StructuredInterface"]
    defined = [*(structure.get("Parameters") or []), *(structure.get("MetadataParameters") or [])]
    result = {parameter["Name"]: parameter.get("DefaultValue") for parameter in defined}
    for one in [*(node.get("ModuleParameters") or []), *(node.get("ModuleMetadataParameters") or [])]:
        from_graph = str(one.get("ValueType")) in FROM_GRAPH
        value = assigned.plain.get(one["Value"]) if from_graph else one.get("Value")
        result[one["Name"]] = value
    return result
