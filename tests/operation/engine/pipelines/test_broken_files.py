"""Pipelines with one mistake each: refused with file and line, and how to fix it."""

# ruff: noqa: E501 - a case with its message in a line

from __future__ import annotations

from collections.abc import Callable

import pytest

AZURE = """\
trigger: none
pr: none
parameters:
  - name: names
    type: object
    default: [DEV, TEST]
variables:
  branch: main
stages:
  - stage: train
    jobs:
      - deployment: train
        environment: DEV
        strategy:
          runOnce:
            deploy:
              steps:
                - checkout: self
                - task: AzureCLI@2
                  name: gate
                  inputs:
                    azureSubscription: sc-dev
                    scriptType: bash
                    scriptLocation: inlineScript
                    inlineScript: python -m operation run
                - publish: runs
                  artifact: reports
  - stage: promote
    dependsOn: train
    condition: and(succeeded(), eq(dependencies.train.outputs['train.train.gate.decision'], 'accepted'))
    jobs:
      - job: promote
        timeoutInMinutes: '60'
        steps:
          - download: current
            artifact: reports
          - bash: python -m operation run
            condition: succeededOrFailed()
"""
GITHUB = """\
on: workflow_dispatch
jobs:
  train:
    runs-on: ubuntu-latest
    environment: DEV
    outputs:
      decision: ${{ steps.gate.outputs.decision }}
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683
      - id: gate
        run: python -m operation run
  promote:
    needs: [train]
    if: ${{ needs.train.outputs.decision == 'accepted' }}
    runs-on: ubuntu-latest
    steps:
      - run: python -m operation run
        if: ${{ !cancelled() }}
"""
AZURE_TABLE = [
    ("trigger: none", "triger: none", "p.yml:1: unknown key 'triger' of a pipeline: expected "),
    (
        "variables:",
        "resources: {}\nvariables:",
        "p.yml:7: 'resources' of a pipeline is not covered by a local run. Leave it out, or run this in its system.",
    ),
    ("stages:\n", "steeps:\n", "p.yml:9: unknown key 'steeps' of a pipeline: expected "),
    (
        "dependsOn: train",
        "dependsOn: tain",
        "p.yml:29: there is no stage 'tain' to depend on. Did you mean 'train'?",
    ),
    (
        "  - stage: train\n",
        "  - stage: train\n    dependsOn: promote\n",
        "p.yml:11: stage 'train' waits for itself: train -> promote -> train. Remove one of them.",
    ),
    ("- stage: promote", "- stage: train", "p.yml:28: stage 'train' repeats line 10. Rename one of them."),
    (
        "and(succeeded()",
        "and(suceeded()",
        "p.yml:30: 'and(suceeded(), eq(dependencies.train.outputs['train.train.gate.decision'], 'accepted'))': "
        "there is no function 'suceeded'. Did you mean 'succeeded'?",
    ),
    (
        "'accepted'))",
        "'accepted')",
        "p.yml:30: 'and(succeeded(), eq(dependencies.train.outputs['train.train.gate.decision'], 'accepted')': "
        "expected ',', the expression ends, at position 89",
    ),
    (
        "dependencies.train.outputs",
        "dependencies.tain.outputs",
        "p.yml:30: 'and(succeeded(), eq(dependencies.tain.outputs['train.train.gate.decision'], 'accepted'))': "
        "'tain' is not in 'dependsOn', so that this is always empty. Did you mean 'train'?",
    ),
    (
        "train.train.gate.decision",
        "train.gate.decision",
        "p.yml:30: 'and(succeeded(), eq(dependencies.train.outputs['train.gate.decision'], 'accepted'))': "
        "stage 'train' has no output 'train.gate.decision'. Did you mean 'train.train.gate.'?",
    ),
    ("eq(dependencies.train", "eq(dependencys.train", "p.yml:30: "),
    ("condition: and(", "condition: $[and(", "p.yml:30: '$[and("),
    (
        "environment: DEV",
        "environment: $(ENVIRONMENT)",
        "p.yml:13: environment '$(ENVIRONMENT)' must be literal: it is resolved before variables are. "
        "Write it out: python3 -m operation pipelines write.",
    ),
    (
        "environment: DEV",
        "environment: DVE",
        "p.yml:13: environment 'DVE' is not what configuration/ names: DEV, PROD or TEST. Did you mean 'DEV'?",
    ),
    (
        "azureSubscription: sc-dev",
        "azureSubscription: sc-$(NAMESPACE)",
        "p.yml:22: azureSubscription 'sc-$(NAMESPACE)' must be literal: it is resolved before variables are. "
        "Write it out: python3 -m operation pipelines write.",
    ),
    (
        "azureSubscription: sc-dev",
        "azureSubscription: sc-prod",
        "p.yml:22: azureSubscription 'sc-prod' is not what configuration/ names: sc-dev or sc-test.",
    ),
    ("AzureCLI@2", "AzureCli@1", "p.yml:19: task 'AzureCli@1' is not covered by a local run. "),
    (
        "scriptType: bash",
        "scriptType: pscore",
        "p.yml:19: AzureCLI@2 is covered with 'scriptType: bash' and 'scriptLocation: inlineScript'.",
    ),
    (
        "- bash: python -m operation run",
        "- bash: pytest tests",
        "p.yml:37: 'pytest tests' is no workbench command, so that nobody can run this step elsewhere. "
        "Write python -m operation <command>.",
    ),
    (
        "- bash: python -m operation run",
        "- bash: python -m operation ruin",
        "p.yml:37: 'python -m operation ruin': there is no command 'ruin'.",
    ),
    (
        "- bash: python -m operation run",
        "- workingDirectory: src\n            bash: python -m operation run",
        "p.yml:37: 'workingDirectory' of a step is not covered by a local run. Leave it out, or run this in its system.",
    ),
    (
        "- bash: python -m operation run",
        "- bash: python -m operation run 'x",
        "p.yml:37: 'python -m operation run 'x' opens a quote that nothing closes.",
    ),
    (
        "pr: none\n",
        "pr: none\nschedules:\n  - cron: every day\n",
        "p.yml:4: schedule 'every day' has not five fields, such as '17 5 * * *'.",
    ),
    (
        "- bash: python -m operation run",
        "- pwsh: python -m operation run",
        "p.yml:37: 'pwsh' of a step is not covered by a local run. Leave it out, or run this in its system.",
    ),
    (
        "- bash: python -m operation run",
        "- template: steps.yml\n          - bash: python -m operation run",
        "p.yml:37: there is no template ",
    ),
    (
        "timeoutInMinutes: '60'",
        "timeoutInMinutes: sixty",
        "p.yml:33: expected a number of minutes, found 'sixty'.",
    ),
    (
        "          - download: current\n            artifact: reports",
        "          - download: current\n            artifact: report",
        "p.yml:35: no step publishes the artifact 'report'. Did you mean 'reports'?",
    ),
    ("          runOnce:", "          rolling:", "p.yml:15: 'rolling' of a strategy"),
    (
        "condition: succeededOrFailed()",
        "condition: eq(dependencies.train.result, 'Succeeded')",
        "p.yml:38: 'eq(dependencies.train.result, 'Succeeded')': 'dependencies' is not known here: "
        "expected pipeline or variables.",
    ),
    ("  branch: main", "  branch: ${{ parameters.nmes[0] + 1 }}", "p.yml:8: "),
    (
        "    type: object",
        "    type: objekt",
        "p.yml:4: parameter 'names' has the unknown type 'objekt'. Did you mean 'object'?",
    ),
    ("    default: [DEV, TEST]\n", "", "p.yml:4: parameter 'names' has no value and no default."),
    (
        "  branch: main",
        "  branch: main\n  branch: other",
        "p.yml:9: 'branch' repeats line 8. Keep one of them.",
    ),
    (
        "- publish: runs\n                  artifact: reports",
        "- publish: runs",
        "p.yml:26: 'publish' needs 'artifact: NAME' beside it.",
    ),
]
GITHUB_TABLE = [
    ("needs: [train]", "needs: [trian]", "p.yml:13: there is no stage 'trian' to depend on. Did you mean 'train'?"),
    ("needs.train.outputs.decision", "needs.train.outputs.descision",
     "p.yml:14: 'needs.train.outputs.descision == 'accepted'': stage 'train' has no output 'descision'. "
     "Did you mean 'decision'?"),
    ("steps.gate.outputs", "steps.gates.outputs",
     "p.yml:7: 'steps.gates.outputs.decision': no step before has the id 'gates'. Did you mean 'gate'?"),
    ("@11bd71901bbe5b1630ceea73d27597364c9af683", "@v4",
     "p.yml:9: 'actions/checkout@v4' is not pinned: tags move. Write the whole commit, "
     "actions/checkout@<40 digits>."),
    ("uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683", "uses: actions/cache@11bd71901bbe5b1630ceea73d27597364c9af683",
     "p.yml:9: action 'actions/cache' is not covered by a local run. "),
    ("!cancelled()", "!canceled()", "p.yml:18: '!canceled()': there is no function 'canceled'. Did you mean 'cancelled'?"),
    ("    environment: DEV", "    environment: ${{ vars.NAME }}", "p.yml:5: environment '${{ vars.NAME }}' must be literal"),
    ("  promote:\n", "  promote:\n    container: python\n",
     "p.yml:13: 'container' of a job is not covered by a local run. Leave it out, or run this in its system."),
    ("on: workflow_dispatch\n", "", "p.yml:1: has no 'on': nothing would start it."),
    ("jobs:\n", "defaults: {run: {shell: pwsh}}\njobs:\n", "p.yml:2: shell 'pwsh' is not covered by a local run. Use bash."),
    ("environment: DEV", "environment: {url: x}", "p.yml:5: an environment needs 'name: NAME'."),
    ("      - run: python -m operation run\n        if", "      - run: make all\n        if", "p.yml:17: 'make all' is no workbench command"),
]  # fmt: skip


def test_there_are_many() -> None:
    assert len(AZURE_TABLE) + len(GITHUB_TABLE) >= 30


@pytest.mark.parametrize(("system", "text"), [("azure", AZURE), ("github", GITHUB)])
def test_unchanged_they_are_right(system: str, text: str, problems: Callable[[str, str], list[str]]) -> None:
    assert problems(system, text) == []


@pytest.mark.parametrize(("old", "new", "message"), AZURE_TABLE)
def test_azure(old: str, new: str, message: str, problems: Callable[[str, str], list[str]]) -> None:
    assert old in AZURE
    found = problems("azure", AZURE.replace(old, new, 1))
    assert any(problem.startswith(message) for problem in found), found


@pytest.mark.parametrize(("old", "new", "message"), GITHUB_TABLE)
def test_github(old: str, new: str, message: str, problems: Callable[[str, str], list[str]]) -> None:
    assert old in GITHUB
    found = problems("github", GITHUB.replace(old, new, 1))
    assert any(problem.startswith(message) for problem in found), found
