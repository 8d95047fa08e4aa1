"""The OpenAPI document of a service, from what its model says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
PROBLEM = {
    "type": "object",
    "required": ["row", "column", "problem"],
    "properties": {
        "row": {"type": ["integer", "null"], "description": "position in data, from 0"},
        "column": {"type": ["string", "null"]},
        "problem": {"type": "string"},
    },
}


def document(facts: Mapping[str, Any], version: str, *, needs_key: bool, most_rows: int) -> dict[str, Any]:
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
    """
    schemas = {
        "Row": _row(facts),
        "Request": _request(most_rows),
        "Answer": _answer(facts),
        "Problem": PROBLEM,
        "Error": _error(),
    }
    components: dict[str, Any] = {"schemas": schemas}
    described: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": f"Predicts {facts['target']}", "version": version},
        "paths": {"/score": {"post": _post(needs_key, {"data": [example(facts)]})}, **_about()},
        "components": components,
    }
    if needs_key:
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        described["security"] = [{"key": []}]
    return described


def _row(facts: Mapping[str, Any]) -> dict[str, Any]:
    columns = facts["schema"]
    levels = facts["features"]["levels"]
    properties = {name: _column(column, levels.get(name, [])) for name, column in columns.items()}
    return {
        "type": "object",
        "required": list(columns),
        "properties": properties,
        "additionalProperties": False,
    }


def _column(column: Mapping[str, Any], levels: list[str]) -> dict[str, Any]:
    made = dict(KINDS[column["kind"]])
    for name in ("minimum", "maximum"):
        if column[name] is not None:
            made[name] = column[name]
    told = [] if column["gaps"] else ["null is answered with a warning: training had no gap here"]
    if levels:
        made["examples"] = levels[:10]
        told.append(f"training knew {len(levels)} levels; others are taken as missing, with a warning")
    if told:
        made["description"] = "; ".join(told)
    return made


def _request(most_rows: int) -> dict[str, Any]:
    row = {"$ref": "#/components/schemas/Row"}
    rows = {"type": "array", "items": row, "minItems": 1, "maxItems": most_rows}
    return {
        "type": "object",
        "required": ["data"],
        "properties": {"data": {"anyOf": [rows, row]}},
        "additionalProperties": False,
    }


def _answer(facts: Mapping[str, Any]) -> dict[str, Any]:
    classes = facts["classes"]
    outputs: dict[str, Any] = {
        "prediction": {"type": "string", "enum": classes} if classes else {"type": "number"}
    }
    names = ["probability"] if len(classes) == 2 else [f"probability_{name}" for name in classes]
    outputs.update({name: {"type": "number", "minimum": 0, "maximum": 1} for name in names})
    row = {"type": "object", "required": list(outputs), "properties": outputs}
    model = {
        "name": {"type": ["string", "null"]},
        "version": {"type": "string"},
        "digest": {"type": "string"},
    }
    return {
        "type": "object",
        "required": ["predictions", "model", "warnings", "request_id"],
        "properties": {
            "predictions": {"type": "array", "items": row},
            "model": {"type": "object", "properties": model},
            "warnings": {"type": "array", "items": {"$ref": "#/components/schemas/Problem"}},
            "request_id": {"type": "string"},
        },
    }


def _error() -> dict[str, Any]:
    problems = {"type": "array", "items": {"$ref": "#/components/schemas/Problem"}}
    error = {"message": {"type": "string"}, "problems": problems}
    return {
        "type": "object",
        "required": ["error", "request_id"],
        "properties": {
            "error": {"type": "object", "required": list(error), "properties": error},
            "request_id": {"type": "string"},
        },
    }


def _post(needs_key: bool, body: Mapping[str, Any]) -> dict[str, Any]:
    said = {
        "400": "the request is wrong: every problem by row and column",
        "408": "the request took too long to arrive",
        "413": "the request is too large",
        "500": "an unexpected error; the log tells more under its request_id",
        "503": "not now: the service is stopping, or cannot write its log",
    }
    if needs_key:
        said["401"] = "no key, or a wrong one"
    responses = {status: _content(text, "Error") for status, text in sorted(said.items())}
    request_id = {"name": "x-request-id", "in": "header", "schema": {"type": "string", "maxLength": 100}}
    key = {
        "name": "x-variant-key",
        "in": "header",
        "description": "what sticks to one of two models, such as a customer; without it, the request's id",
        "schema": {"type": "string"},
    }
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Request"}, "example": body}}
    return {
        "summary": "Predict rows",
        "operationId": "score",
        "parameters": [request_id, key],
        "requestBody": {"required": True, "content": content},
        "responses": {"200": _content("a prediction for each row", "Answer"), **responses},
    }


def _content(text: str, schema: str) -> dict[str, Any]:
    reference = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    return {"description": text, "content": {"application/json": reference}}


def _about() -> dict[str, Any]:
    said = {
        "/health/live": "the process answers",
        "/health/ready": "the model is loaded and requests are taken",
        "/metrics": "counters, in the text format of Prometheus",
        "/openapi.json": "this document",
    }
    return {
        path: {"get": {"summary": text, "responses": {"200": {"description": text}}}}
        for path, text in said.items()
    }


def example(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Build a synthetic row: numbers from the middle of their range, the first level of what has levels."""
    levels = facts["features"]["levels"]
    return {name: _example_value(column, levels.get(name, [])) for name, column in facts["schema"].items()}


def _example_value(column: Mapping[str, Any], levels: list[str]) -> object:
    kind = column["kind"]
    if kind == "time":
        return EXAMPLE_TIME
    if kind == "boolean":
        return True
    if levels:
        return levels[0]
    if column["minimum"] is None or column["maximum"] is None:
        return None if kind in ("text", "code") else 0
    middle = (column["minimum"] + column["maximum"]) / 2
    return round(middle) if kind == "integer" else round(middle, 3)
