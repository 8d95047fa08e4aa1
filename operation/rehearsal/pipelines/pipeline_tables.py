"""Outputs of steps that others read as tables: the reading is in the graph, in the SDK's older words."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import yaml

from operation.rehearsal.http import Refused

if TYPE_CHECKING:
    from operation.rehearsal.pipelines.pipeline_graph import Place
    from operation.rehearsal.state import Document, State

_DELIMITED, _PARQUET = "Microsoft.DPrep.ParseDelimitedBlock", "Microsoft.DPrep.ReadParquetFileBlock"
_DROPPED, _KEPT = "Microsoft.DPrep.DropColumnsBlock", "Microsoft.DPrep.KeepColumnsBlock"
_HEADERS = {
    0: "no_header",
    1: "from_first_file",
    2: "all_files_different_headers",
    3: "all_files_same_headers",
}
_PATH = "Path"  # the column that names the file, which the newer reading leaves out by itself


def table(state: State, place: Place, transformations: str) -> str:
    """Keep a dataset that reads what a step wrote; return its id.

    Parameters
    ----------
    state : State
        Where datasets are.
    place : Place
        What the step wrote.
    transformations : str
        How it is read, as the graph says.

    Raises
    ------
    Refused
        400, for a transformation that has no counterpart here.
    """
    blocks = json.loads(transformations).get("blocks") or []
    steps = [step for block in blocks if (step := _step(block))]
    return _saved(state, "tabular", _flow(state, place, steps))


def files(state: State, place: Place) -> str:
    """Keep a dataset of the files that a step wrote; return its id."""
    return _saved(state, "file", _flow(state, place, []))


def _saved(state: State, kind: str, dataflow: str) -> str:
    identity = str(uuid.uuid4())
    made = {"id": identity, "datasetType": kind, "dataflowJson": dataflow, "properties": {}}
    state.put("saved-datasets", identity, {**made, "dataChanged": None, "dataPath": None})
    return identity


def _flow(state: State, place: Place, steps: list[Any]) -> str:
    workspace = str((state.get("workspace", "workspace") or {})["id"])
    workspace = workspace.replace("/providers/Microsoft.MachineLearningServices", "")
    workspace = workspace.replace("/resourceGroups/", "/resourcegroups/")  # as the engine writes it itself
    pattern = f"azureml:/{workspace}/datastores/{place.datastore}/paths/{place.path}/**"
    flow: Document = {"type": "mltable", "paths": [{"pattern": pattern}]}
    if steps:
        flow["transformations"] = steps
    return json.dumps({"blocks": [], "meta": {"RsDataflow": yaml.safe_dump(flow, sort_keys=False)}})


def _step(block: Document) -> object:
    kind, given = block["type"], block.get("arguments") or {}
    if kind == _DELIMITED:
        return {"read_delimited": _delimited(given)}
    if kind == _PARQUET:
        return {"read_parquet": {"path_column": _PATH, "include_path_column": False}}
    if kind in (_DROPPED, _KEPT):
        names = given["columns"]["details"].get("selectedColumns") or []
        names = [name for name in names if name != _PATH]
        word = "drop_columns" if kind == _DROPPED else "keep_columns"
        return {word: names} if names else None
    name = kind.rpartition(".")[2]
    said = f"a step's output is read with {name}, which the rehearsal does not know"
    raise Refused(400, "NotSupported", f"{said}; write the table as it is to be read")


def _delimited(given: Document) -> Document:
    return {
        "path_column": _PATH,
        "include_path_column": False,
        "encoding": "utf8",
        "support_multi_line": bool(given.get("handleQuotedLineBreaks")),
        "delimiter": given.get("separator") or ",",
        "empty_as_string": False,
        "header": _HEADERS.get(given.get("columnHeadersMode", 3), _HEADERS[3]),
        "infer_column_types": True,
    }
