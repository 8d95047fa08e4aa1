"""The OpenAPI document of a service: ``openapi.json``, completed with what its model says of itself."""

import json
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).with_name("openapi.json")
EXAMPLE_TIME = "2024-01-15T12:00:00"  # any time is answered
TIME = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$"
KINDS: dict[str, dict[str, Any]] = {
    "number": {"type": ["number", "null"]},
    "integer": {"type": ["integer", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "text": {"type": ["string", "null"]},
    "code": {"type": ["string", "number", "null"]},
    "time": {"type": ["string", "null"], "pattern": TIME},
}


def document(
    facts: Mapping[str, Any],
    version: str,
    *,
    needs_key: bool,
    most_rows: int,
    may_lack: Set[str] = frozenset(),
) -> dict[str, Any]:
    """Return the OpenAPI document.

    Parameters
    ----------
    facts : mapping
        What model.json holds: schema, features, classes, task, target.
    version : str
        The model's.
    needs_key : bool
        Whether requests carry a key.
    most_rows : int
        That one request may have.
    may_lack : set of str
        Columns that a row may leave out: feature tables give them, or they are what these are looked up by.
    """
    described: dict[str, Any] = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    described["info"] = {"title": f"Predicts {facts['target']}", "version": version}
    components, post = described["components"], described["paths"]["/score"]["post"]
    schemas, categories = components["schemas"], facts["features"]["categories"]
    accepted = {**(facts.get("lookup_schema", {}) if may_lack else {}), **facts["schema"]}
    columns = {name: _column(column, categories.get(name, [])) for name, column in accepted.items()}
    schemas["Row"] |= {"required": [name for name in columns if name not in may_lack], "properties": columns}
    schemas["Request"]["properties"]["data"]["anyOf"][0]["maxItems"] = most_rows
    prediction = _prediction(facts["classes"])
    schemas["Prediction"] |= {"required": list(prediction), "properties": prediction}
    post["requestBody"]["content"]["application/json"]["example"] = {"data": [example(facts)]}
    if needs_key:
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        described["security"] = [{"key": []}]
    else:
        del post["responses"]["401"]
    return described


def _column(column: Mapping[str, Any], categories: list[str]) -> dict[str, Any]:
    limits = {
        name: column[name] for name in ("minimum", "maximum", "pattern") if column.get(name) is not None
    }
    limits |= {"enum": [*column["allowed"], None]} if column.get("allowed") else {}
    notes = [] if column["has_missing"] else ["null gets a warning: training had no missing values here"]
    if categories:
        notes.append(f"training knew {len(categories)} categories; others count as missing, with a warning")
    return {
        **KINDS[column["kind"]],
        **limits,
        **({"examples": categories[:10]} if categories else {}),
        **({"description": "; ".join(notes)} if notes else {}),
    }


def _prediction(classes: list[str]) -> dict[str, Any]:
    names = ["probability"] if len(classes) == 2 else [f"probability_{name}" for name in classes]
    return {
        "prediction": {"type": "string", "enum": classes} if classes else {"type": "number"},
        **{name: {"type": "number", "minimum": 0, "maximum": 1} for name in names},
    }


def example(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Build a synthetic row: numbers from the middle of their range, the first category of others."""
    categories = facts["features"]["categories"]
    return {
        name: _example_value(column, categories.get(name, [])) for name, column in facts["schema"].items()
    }


def _example_value(column: Mapping[str, Any], categories: list[str]) -> object:
    kind = column["kind"]
    if kind == "time":
        return EXAMPLE_TIME
    if kind == "boolean":
        return True
    if categories:
        return categories[0]
    if kind in ("text", "code"):
        return None
    bounds = [bound for bound in (column["minimum"], column["maximum"]) if bound is not None]
    middle = sum(bounds) / max(len(bounds), 1)
    return round(middle) if kind == "integer" else middle
