"""The conditions and the order in which MLflow's client searches, read by MLflow's own library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from operation.emulator.http import HttpError
from operation.emulator.state import Document

_TABLES = ("metrics", "params", "tags")


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
