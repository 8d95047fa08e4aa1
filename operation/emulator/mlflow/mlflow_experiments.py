"""The workspace as an MLflow server: experiments, those of the history; and how MLflow's client searches."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from operation.emulator.history import runs
from operation.emulator.history.runs import MISSING
from operation.emulator.http import WORKSPACE, Call, HttpError, known, route
from operation.emulator.state import Document

_TABLES = ("metrics", "params", "tags")
API = f"/mlflow/v2.0{WORKSPACE}/api/2.0/mlflow"


def missing(what: str) -> HttpError:
    """Return the error that MLflow's client knows for what is not there."""
    return HttpError(f"{what} does not exist", MISSING, 404)


def pairs(values: Document) -> list[Document]:
    """Return a mapping as MLflow lists it."""
    return [{"key": key, "value": "" if value is None else str(value)} for key, value in values.items()]


def by_name(values: list[Document] | None) -> Document:
    """Return what MLflow lists as pairs as a mapping."""
    return {entry["key"]: entry.get("value") for entry in values or []}


def _experiment(document: Document) -> Document:
    return {
        "experiment_id": document["experimentId"],
        "name": document["name"],
        "artifact_location": "",
        "lifecycle_stage": "deleted" if document["archivedTime"] else "active",
        "tags": pairs(document["tags"]),
    }


def _experiment_named(call: Call) -> Document:
    name = call.parameters["experiment_name"]
    experiment = known(call.state, "experiments", name, f"experiment {name} does not exist", MISSING)
    return {"experiment": _experiment(experiment)}


def _experiment_shown(call: Call) -> Document:
    return {"experiment": _experiment(runs.experiment_by_id(call.state, call.parameters["experiment_id"]))}


def _experiment_made(call: Call) -> Document:
    name = call.parameters["name"]
    if call.state.get("experiments", name):
        raise HttpError(f"experiment {name} exists", "RESOURCE_ALREADY_EXISTS")
    return {"experiment_id": runs.experiment(call.state, name)["experimentId"]}


def _experiment_tag(call: Call) -> Document:
    request = call.parameters
    name = runs.experiment_by_id(call.state, request["experiment_id"])["name"]
    with call.state.change("experiments", name) as experiment:
        experiment["tags"][request["key"]] = request.get("value")
    return {}


def _experiments(call: Call) -> Document:
    active = [_experiment(document) for document in call.state.where("experiments", archivedTime=None)]
    return {"experiments": active[::-1]}


def search_runs(documents: list[Document], condition: str, order: Sequence[str]) -> list[Document]:
    """Return the runs that fulfil `condition`, in an order such as ``["metrics.loss ASC"]``."""
    from mlflow.utils import search_utils

    library: Any = search_utils.SearchUtils
    return _search(documents, lambda runs: library.sort(library.filter(runs, condition), list(order)))


def search_models(kind: str, documents: list[Document], condition: str) -> list[Document]:
    """Return the models that fulfil `condition`: of kind ``Model``, ``ModelVersion`` or ``LoggedModels``."""
    from mlflow.utils import search_utils

    library: Any = getattr(search_utils, f"Search{kind}Utils")
    select = library.filter_logged_models if kind == "LoggedModels" else library.filter
    return _search(documents, lambda models: select(models, condition))


def _search(documents: list[Document], select: Callable[[list[Any]], list[Any]]) -> list[Document]:
    from mlflow.exceptions import MlflowException

    try:
        return [entity.document for entity in select(list(map(_entity, documents)))]
    except MlflowException as error:
        raise HttpError(error.message, "INVALID_PARAMETER_VALUE") from error


def _entity(document: Document) -> SimpleNamespace:
    """Return a document as the library sees a run or a model: fields as attributes, pairs as mappings."""
    fields, data = document.get("info") or document, document.get("data") or document
    tables = {name: {pair["key"]: pair["value"] for pair in data.get(name) or []} for name in _TABLES}
    if "version" in fields:
        fields = {**fields, "version": int(fields["version"])}
    nested = {"info": SimpleNamespace(**fields), "data": SimpleNamespace(**tables), "document": document}
    return SimpleNamespace(**{**fields, **tables, "_tags": tables["tags"], **nested})


_EXPERIMENTS = f"{API}/experiments"

ROUTES = [
    route("GET", f"{_EXPERIMENTS}/get-by-name", _experiment_named),
    route("GET", f"{_EXPERIMENTS}/get", _experiment_shown),
    route("POST", f"{_EXPERIMENTS}/create", _experiment_made),
    route("POST", f"{_EXPERIMENTS}/set-experiment-tag", _experiment_tag),
    route("GET POST", f"{_EXPERIMENTS}/search", _experiments),
]
