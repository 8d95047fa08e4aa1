"""What is written down about a run of a pipeline, and how the SDK is shown it."""

from operation.emulator.pipelines.entities import GRAPHS, entity, load, store
from operation.emulator.pipelines.pipeline_graph import DataLocation, by_default
from operation.emulator.state import Document, State, now

RUNS = "pipeline-runs"
WAITING, QUEUED, RUNNING = "NotStarted", "Queued", "Running"
FINISHED, FAILED, CANCELED = "Finished", "Failed", "Canceled"
ENDED = {FINISHED, FAILED, CANCELED}
_HIDDEN = ("Nodes", "Continue", "DataPathAssignments", "Defaults")


def new_run(state: State, graph: Document, experiment: str, info: Document) -> Document:
    """Keep a run of `graph` that is not submitted yet."""
    goes_on = info.get("ContinueExperimentOnNodeFailure") or info.get("ContinueRunOnStepFailure")
    names = ("ParameterAssignments", "DataPathAssignments", "DataSetDefinitionValueAssignments")
    record = entity(
        **{name: info.get(name) or {} for name in (*names, "tags", "Properties")},
        Description=info.get("Description"),
        Status={"StatusCode": WAITING, "StatusDetail": None, "CreationTime": now(), "EndTime": None},
        GraphId=graph["Id"],
        IsSubmitted=False,
        HasErrors=False,
        HasWarnings=False,
        UploadState="Completed",
        RunHistoryExperimentName=experiment,
        PipelineId=info.get("PipelineId"),
        ScheduleId=info.get("ScheduleId"),
        RunSource=info.get("RunSource") or "SDK",
        RunType=info.get("RunType") or "SDK",
        TotalRunSteps=len(graph.get("ModuleNodes") or []),
    )
    hidden = {"Continue": bool(goes_on), "Nodes": {}, "Defaults": by_default(graph["Interface"])}
    return store(state, RUNS, {**record, **hidden})


def shown(record: Document) -> Document:
    """Return the run as the SDK reads it."""
    fields = {name: value for name, value in record.items() if name not in _HIDDEN}
    return {**fields, "ParameterAssignments": {**record["Defaults"], **record["ParameterAssignments"]}}


def graph_of(state: State, record: Document) -> Document:
    """Return the graph that the run executes."""
    return load(state, GRAPHS, record["GraphId"])


def status(record: Document, node: str) -> Document:
    """Return how far a step is, as the SDK reads it."""
    progress = record["Nodes"].get(node, {})
    return {"StatusCode": progress.get("StatusCode", WAITING), "StatusDetail": None, "HasWarnings": False} | {
        name: progress.get(name)
        for name in ("RunId", "ReuseInfo", "CreationTime", "ScheduleTime", "StartTime", "EndTime")
    }


def outputs(record: Document, node: str) -> dict[str, Document]:
    """Return where the outputs of a step are, as the SDK reads it."""
    return dict(record["Nodes"].get(node, {}).get("Outputs") or {})


def located(location: DataLocation) -> Document:
    """Return where data is, as the SDK reads it."""
    blob = {"AmlDataStoreName": location.datastore, "RelativePath": location.path}
    reference = {"Type": "1", "AzureBlobReference": blob}
    return {"DataTypeId": "AnyDirectory", "DataLocation": {"StorageType": "0", "DataReference": reference}}


def update_step(state: State, run_id: str, node: str, **fields: object) -> None:
    """Write down something about a step."""
    with state.change(RUNS, run_id) as record:
        record["Nodes"].setdefault(node, {}).update(fields)


def update_run(state: State, run_id: str, code: str) -> None:
    """Write down how far the run is."""
    with state.change(RUNS, run_id) as record:
        record["Status"]["StatusCode"] = code
        record["IsSubmitted"] = True
        record["HasErrors"] = code == FAILED
        if code in ENDED:
            record["Status"]["EndTime"] = now()
