"""Manifests, as they are really written, are what their schema says; programs may read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from operation import cli
from operation.engine import configuration
from operation.engine.evidence.certificate import certify, ways
from operation.engine.foundation import manifest
from operation.engine.foundation.layout import Layout
from operation.engine.runs.request import Request, prepare
from operation.engine.runs.run import start
from operation.engine.steps.runners import child_process
from operation.engine.steps.session import Session
from tests.operation.engine.conftest import write

SCHEMA: dict[str, Any] = json.loads(Path(manifest.__file__).with_name("manifest_schema.json").read_text())


def _validate(content: object, kind: str) -> None:
    """Check what was written, and that the schema names all of it."""
    jsonschema.validate(content, {**_closed(SCHEMA), "oneOf": [{"$ref": f"#/$defs/{kind}"}]})


def _closed(schema: Any) -> Any:
    """Return a schema that refuses names which it does not know."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(part) for name, part in schema.items()}
    return {"additionalProperties": False, **closed} if isinstance(schema.get("properties"), dict) else closed


def test_the_schema_is_one_and_has_the_version_that_is_written() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for kind in ("run", "step", "certificate", "sweep"):
        assert SCHEMA["$defs"][kind]["properties"]["schema"]["const"] == manifest.SCHEMA


def test_manifests_of_steps(tiny: Layout) -> None:
    Session(configuration.load(layout=tiny), tiny, child_process).step("double")
    found = [json.loads(path.read_text()) for path in tiny.store.glob("*/manifest.json")]
    assert len(found) == 2
    for content in found:
        _validate(content, "step")
        with pytest.raises(jsonschema.ValidationError):
            _validate({**content, "key": "short"}, "step")


def test_manifests_of_runs(tiny: Layout) -> None:
    start(tiny, prepare(tiny, Request(notebooks=["02-double-count"])), lambda *_: None)
    write(tiny, "data/text.txt", "123")  # which double.py refuses
    record = start(tiny, prepare(tiny, Request(notebooks=["02-double-count"])), lambda *_: None)
    content = json.loads(record.path.read_text())
    assert content["error"]["message"] == "nothing to double"
    assert content["since_last_good"]["differences"]
    _validate(content, "run")


def test_certificates(
    tiny: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(certify, "WAYS", {name: ways.WAYS[name] for name in ("script", "call")})
    assert cli.main(["certify", "--json"]) == 0
    _validate(json.loads(capsys.readouterr().out), "certificate")


def test_why_answers_programs(tiny: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    def why() -> dict[str, Any]:
        assert cli.main(["why", "count", "--json"]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    before = why()
    assert (before["step"], before["last"], before["now"]) == ("count", None, "executed")
    Session(configuration.load(layout=tiny), tiny, child_process).step("count")
    last = why()
    assert (last["now"], last["differs"], last["last"]["how"]) == ("reused", [], "executed")
    jsonschema.validate(last["last"]["components"], {**SCHEMA, "oneOf": [{"$ref": "#/$defs/components"}]})
    write(tiny, "requirements.lock", "one==1.1\n")
    expected = {"kind": "package", "name": "one", "before": "1.0", "after": "1.1"}
    assert (why()["now"], why()["differs"]) == ("executed", [expected])
