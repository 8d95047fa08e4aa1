"""The pipelines of this repository: both systems plan the same, and what is written is what is there."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import pytest
import yaml

from operation import cli
from operation.commands.pipelines import command_problem
from operation.engine.foundation.layout import Layout
from operation.engine.pipelines import reading
from operation.engine.pipelines.plan import plan
from operation.engine.pipelines.reading import all_problems, chosen_pipeline, known_names
from operation.engine.pipelines.source import in_order, read_source
from operation.engine.pipelines.tree import Findings
from operation.execution.infrastructure import parameters, resources, template_file

ROOT = Layout(Path(__file__).resolve().parents[3])
NAMES = [pipeline.name for pipeline in read_source(ROOT, Findings())]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """Return a copy of what pipelines are written from."""
    root = tmp_path / "project"
    for folder in ("configuration", "operation/pipelines", ".github"):
        shutil.copytree(ROOT.root / folder, root / folder)
    monkeypatch.setenv("WORKBENCH_ROOT", str(root))
    monkeypatch.delenv("ENVIRONMENT", raising=False)
    monkeypatch.setattr(reading, "validate", lambda *_: ())  # their processes are started for this repository
    return Layout(root)


def _plan(layout: Layout, name: str, system: str) -> list[str]:
    return plan(chosen_pipeline(layout, name, system, {}, known_names(layout, command_problem)))


def test_they_are_these() -> None:
    assert NAMES == ["ci", "cd-training", "cd-scoring", "monitor", "infrastructure"]


@pytest.mark.parametrize("name", NAMES)
def test_both_systems_plan_the_same_word_for_word(name: str) -> None:
    assert _plan(ROOT, name, "azure") == _plan(ROOT, name, "github")


def test_the_plan_says_what_depends_on_what() -> None:
    assert _plan(ROOT, "cd-training", "azure")[9:16] == [
        "2. Try out and promote to TEST, after train_DEV",
        "   only if decision of train_DEV is accepted",
        "   environment TEST",
        "   logs in to Azure",
        "   - python -m operation run --environment TEST --notebook 03-train-model 04-evaluate-model",
        "   - python -m operation models promote flights --environment DEV --to TEST",
        "   - python -m operation models judge flights --environment TEST",
    ]


def test_an_environment_adds_its_stages_and_names(copy: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["new", "environment", "UAT", "--from", "TEST"]) == 0
    out = capsys.readouterr().out
    assert "wrote        operation/pipelines/azure/cd-training.yml" in out
    assert in_order(copy) == ["DEV", "TEST", "UAT", "PROD"]
    assert list(all_problems(copy, known_names(copy, command_problem))) == []
    lines = _plan(copy, "cd-training", "github")
    assert "   - models promote flights" not in lines
    assert "   - python -m operation models promote flights --environment TEST --to UAT" in lines
    assert "   - python -m operation models promote flights --environment UAT --to PROD" in lines
    assert lines.count("   only if decision of promote_TEST is accepted") == 1  # what TEST rejects ends there
    text = (copy.root / "operation/pipelines/azure/cd-training.yml").read_text(encoding="utf-8")
    assert "azureSubscription: sc-amlworkbenchuat" in text


def test_a_file_that_was_edited_is_told_with_its_line(copy: Layout) -> None:
    file = copy.root / "operation/pipelines/azure/monitor.yml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("pr: none", "pr: none\nname: mine"), encoding="utf-8")
    (problem,) = all_problems(copy, known_names(copy, command_problem))
    assert problem.file == "operation/pipelines/azure/monitor.yml"
    assert problem.message == (
        "differs from what operation/pipelines/pipelines.yml gives. "
        "Write it again: python3 -m operation pipelines write."
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("minutes: 120", "minutes: .nan", "expected a number of minutes, found '.nan'."),
        ('"17 5 * * *"', "daily", "schedule 'daily' has not five fields, such as '17 5 * * *'."),
        (
            "environments: between",
            "environments: later ones",
            "'later ones': expected first, between, last, later or all.",
        ),
        ("when: failed", "when: fails", "'fails': expected failed or always. Did you mean 'failed'?"),
        (
            "  - check\n",
            "  - {rn: check}\n",
            "unknown key 'rn' of a step: expected name, output, run or when.",
        ),
        (
            "after: [check]",
            "after: [chek]",
            "there is no stage 'chek' before this one. Did you mean 'check'?",
        ),
        ("azure: workspace", "azure: space", "'space': expected workspace or resource-group."),
    ],
)
def test_a_mistake_in_the_list_of_stages_is_told_and_nothing_written(
    old: str, new: str, message: str, copy: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    file = copy.root / "operation/pipelines/pipelines.yml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert cli.main(["pipelines", "write"]) == 2
    said, line = capsys.readouterr(), text[: text.index(old)].count("\n") + 1
    assert f"operation/pipelines/pipelines.yml:{line}: {message}" in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--approve TSET", "--approve TSET: expected DEV, TEST, PROD or all. Did you mean 'TEST'?"),
        ("--stage train", "--stage train: expected train_DEV, promote_TEST or release_PROD."),
        ("-p x=1", "cd-training.yml:3: there is no parameter 'x'."),
        ("-p x=1 --system github", "cd-training.yml:3: there is no parameter 'x'."),
        ("-p x", "-p x: write NAME=VALUE."),
    ],
)
def test_a_mistyped_word_of_the_command_is_told(
    words: str, message: str, copy: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert copy
    assert cli.main(["ci", "cd-training", "--dry-run", *words.split()]) == 2
    assert message in capsys.readouterr().err


def test_no_workflow_may_more_than_it_needs() -> None:
    for file in (ROOT.root / ".github" / "workflows").glob("*.yml"):
        workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert workflow["permissions"] == {"contents": "read"}
        for job in workflow["jobs"].values():
            logs_in = any(str(step.get("uses")).startswith("azure/login@") for step in job["steps"])
            assert ("id-token" in job.get("permissions", {})) == logs_in


def test_infrastructure_has_the_types_that_the_sdk_ships() -> None:
    shipped = importlib.util.find_spec("azure.ai.ml")  # importing it takes ten seconds
    assert shipped
    assert shipped.origin
    base = Path(shipped.origin).parent / "_arm_deployments" / "arm_templates" / "workspace_base.json"
    known = {(part["type"], part["apiVersion"]) for part in json.loads(base.read_text("utf-8"))["resources"]}
    own = {(part.kind, part.body["apiVersion"]) for part in resources(ROOT, parameters(ROOT, "DEV"))}
    shared = {kind for kind, _ in known} & {kind for kind, _ in own}
    assert len(shared) >= 5
    assert {(kind, version) for kind, version in own if kind in shared} <= known


def test_infrastructure_names_what_the_environment_names() -> None:
    assert (
        json.loads(template_file(ROOT).read_text(encoding="utf-8"))["parameters"].keys()
        == parameters(ROOT, "DEV").keys()
    )
    names = {part.kind: part.name for part in resources(ROOT, parameters(ROOT, "DEV"))}
    assert names["Microsoft.MachineLearningServices/workspaces"] == "amlworkbenchdev"
    assert names["Microsoft.Storage/storageAccounts/blobServices"] == "saworkbenchdev/default"
    assert "Microsoft.Authorization/roleAssignments" not in names


def test_infrastructure_in_the_emulator(copy: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--environment", "TEST", "--emulator"]
    assert cli.main(["infrastructure", "what-if", *words]) == 0
    assert "create     Microsoft.KeyVault/vaults" in capsys.readouterr().out
    assert cli.main(["infrastructure", "apply", *words]) == 0
    assert cli.main(["infrastructure", "what-if", *words]) == 0
    out = capsys.readouterr().out
    assert "no change  Microsoft.KeyVault/vaults" in out
    assert "cost       Microsoft.ContainerRegistry/registries" in out
    assert cli.main(["infrastructure", "remove", *words]) == 2
    assert cli.main(["infrastructure", "remove", *words, "--yes", "rg-workbenchtest"]) == 0
