"""The OpenAPI document: a row may leave out what feature tables give."""

from __future__ import annotations

from typing import Any

from operation.engine.delivery.serving.openapi import document

COLUMN = {"has_missing": False, "minimum": None, "maximum": None, "allowed": None, "pattern": None}
FACTS: dict[str, Any] = {
    "target": "late",
    "classes": [],
    "features": {"categories": {}},
    "schema": {"size": {**COLUMN, "kind": "number"}, "rain": {**COLUMN, "kind": "number"}},
    "lookup_schema": {"day": {**COLUMN, "kind": "time"}, "place": {**COLUMN, "kind": "text"}},
}


def row(may_lack: set[str]) -> dict[str, Any]:
    described = document(FACTS, "1", needs_key=False, most_rows=9, may_lack=may_lack)
    found: dict[str, Any] = described["components"]["schemas"]["Row"]
    return found


def test_what_feature_tables_give_and_need_may_be_left_out() -> None:
    described = row({"rain", "day", "place"})
    assert described["required"] == ["size"]
    assert set(described["properties"]) == {"size", "rain", "day", "place"}


def test_without_feature_tables_every_column_is_required() -> None:
    described = row(set())
    assert described["required"] == list(described["properties"]) == ["size", "rain"]
