"""What a dataset reads, as the native engine is told: paths, and steps that make a table of files."""

import json
from collections.abc import Sequence

import yaml

from operation.emulator.http import HttpError
from operation.emulator.state import Document, State

_DELIMITED, _PARQUET = "Microsoft.DPrep.ParseDelimitedBlock", "Microsoft.DPrep.ReadParquetFileBlock"
_DROPPED, _KEPT = "Microsoft.DPrep.DropColumnsBlock", "Microsoft.DPrep.KeepColumnsBlock"
_HEADERS = {
    0: "no_header",
    1: "from_first_file",
    2: "all_files_different_headers",
    3: "all_files_same_headers",
}
_PATH = "Path"  # the column that names the file, which the newer reading leaves out by itself


def flow(state: State, store: str, path: str, steps: Sequence[object] = ()) -> str:
    """Return the dataflow that reads `path` of a datastore, as a dataset keeps it."""
    workspace = str((state.get("workspace", "workspace") or {})["id"])
    workspace = workspace.replace("/providers/Microsoft.MachineLearningServices", "")
    workspace = workspace.replace("/resourceGroups/", "/resourcegroups/")  # as the engine writes it itself
    pattern = f"azureml:/{workspace}/datastores/{store}/paths/{path}"
    dataflow: Document = {"type": "mltable", "paths": [{"pattern": pattern}]}
    if steps:
        dataflow["transformations"] = list(steps)
    return json.dumps({"blocks": [], "meta": {"RsDataflow": yaml.safe_dump(dataflow, sort_keys=False)}})


def steps(transformations: str) -> list[object]:
    """Return the steps that the SDK writes in older words; refuse one that has no counterpart here."""
    blocks = json.loads(transformations).get("blocks") or []
    return [step for block in blocks if (step := _step(block))]


def _step(block: Document) -> object:
    kind, arguments = block["type"], block.get("arguments") or {}
    if kind == _DELIMITED:
        return {"read_delimited": _delimited(arguments)}
    if kind == _PARQUET:
        return {"read_parquet": {"path_column": _PATH, "include_path_column": False}}
    if kind in (_DROPPED, _KEPT):
        names = arguments["columns"]["details"].get("selectedColumns") or []
        names = [name for name in names if name != _PATH]
        word = "drop_columns" if kind == _DROPPED else "keep_columns"
        return {word: names} if names else None
    name = kind.rpartition(".")[2]
    message = f"what a job wrote is read with {name}, which the emulator does not know"
    raise HttpError(f"{message}; write the table as it is to be read", "NotSupported")


def _delimited(arguments: Document) -> Document:
    return {
        "path_column": _PATH,
        "include_path_column": False,
        "encoding": "utf8",
        "support_multi_line": bool(arguments.get("handleQuotedLineBreaks")),
        "delimiter": arguments.get("separator") or ",",
        "empty_as_string": False,
        "header": _HEADERS.get(arguments.get("columnHeadersMode", 3), _HEADERS[3]),
        "infer_column_types": True,
    }
