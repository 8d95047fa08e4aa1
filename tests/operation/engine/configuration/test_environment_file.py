"""Environments: resolved for us, and valid variable templates for Azure DevOps."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from operation.engine.configuration.environment_file import EnvironmentFile, read_environment
from operation.engine.foundation.errors import Problem
from operation.engine.foundation.layout import Layout

REPOSITORY = Path(__file__).resolve().parents[4]


def read(layout: Layout, **system: str) -> tuple[EnvironmentFile, list[Problem]]:
    return read_environment(layout.configuration / "configuration-DEV.yml", "DEV.yml", "DEV", system)


def test_defaults_are_filled_in(good_project: Layout) -> None:
    found, problems = read(good_project)
    assert not problems
    assert found.variables["STORAGEACCOUNT"].value == "saflightsdev"
    assert found.variables["SERVICECONNECTION_RG"].value == "sc-rg-flightsdev"


def test_the_operating_system_wins_with_the_type_of_the_file(good_project: Layout) -> None:
    found, problems = read(good_project, SAMPLEROWS="100", PERIODFROM="2014", NAMESPACE="other", UNKNOWN="x")
    assert not problems
    assert found.variables["SAMPLEROWS"].value == 100
    assert found.variables["PERIODFROM"].value == "2014"
    assert found.variables["KEYVAULT"].value == "kvother"
    assert "UNKNOWN" not in found.variables


def test_the_operating_system_does_not_rename_the_environment(good_project: Layout) -> None:
    found, problems = read(good_project, ENVIRONMENT="PROD")
    assert not problems
    assert found.variables["ENVIRONMENT"].value == "DEV"


def test_variables_of_another_environment_do_not_win(good_project: Layout) -> None:
    """As in a pipeline that imported configuration-DEV.yml, and says --environment TEST."""
    others, problems = read(good_project, ENVIRONMENT="TEST", NAMESPACE="other", SAMPLEROWS="1")
    own, _ = read(good_project, ENVIRONMENT="DEV", NAMESPACE="other")
    assert not problems
    assert others.variables == read(good_project)[0].variables
    assert own.variables["AMLWORKSPACE"].text == "amlother"


def test_mistakes_from_outside_say_so(good_project: Layout) -> None:
    _, problems = read(good_project, LOCATION="", SAMPLEROWS="$(NONE)")
    assert [str(problem) for problem in problems] == [
        "DEV.yml:11: SAMPLEROWS (from the operating system's environment, which wins over the file) "
        "$(NONE) is undefined: this file declares no variable of that name.",
        "DEV.yml:7: LOCATION (from the operating system's environment, which wins over the file) "
        "is empty: expected the Azure region, such as westeurope.",
    ]


def test_azure_devops_reads_every_environment(tmp_path: Path) -> None:
    """Hold them to what the schema of Azure Pipelines says of a variable template."""
    vendored = files("check_jsonschema.builtin_schemas") / "vendor" / "azure-pipelines.json"
    schema = json.loads(vendored.read_text(encoding="utf-8"))
    schema.pop("oneOf")
    schema["definitions"].pop("branchFilter")  # its pattern is no regular expression of Python's
    schema["$ref"] = "#/definitions/variablesTemplate"
    (tmp_path / "template.json").write_text(json.dumps(schema), encoding="utf-8")
    folders = [REPOSITORY, REPOSITORY / "tests" / "operation" / "faulty" / "good"]
    paths = [path for folder in folders for path in folder.glob("configuration/configuration-[A-Z]*.yml")]
    assert len(paths) >= 5
    words = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(tmp_path / "template.json")]
    done = subprocess.run([*words, *map(str, paths)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("variables: none\n", encoding="utf-8")
    assert subprocess.run([*words, str(wrong)], capture_output=True, check=False).returncode == 1
