"""Pipelines executed here: conditions, outputs, templates, artifacts, approvals; the same in both systems."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from operation.engine.foundation.layout import Layout
from operation.engine.pipelines.model import Pipeline
from operation.engine.pipelines.results import PipelineRun
from operation.engine.pipelines.runner import PipelineRunner
from operation.engine.pipelines.summary import summary

Run = Callable[..., PipelineRun]
AZURE = """\
stages:
  - stage: train
    jobs:
      - deployment: train
        environment: DEV
        strategy:
          runOnce:
            deploy:
              steps:
                - bash: |
                    mkdir -p out
                    echo model > out/model.txt
                    echo "##vso[task.setvariable variable=decision;isOutput=true]{decision}"
                  name: gate
                - publish: out
                  artifact: model
  - stage: promote
    dependsOn: train
    condition: and(succeeded(), eq(dependencies.train.outputs['train.train.gate.decision'], 'accepted'))
    jobs:
      - deployment: promote
        environment: TEST
        strategy:
          runOnce:
            deploy:
              steps:
                - download: current
                  artifact: model
                - bash: cat $(Pipeline.Workspace)/model/model.txt
  - stage: after
    dependsOn: promote
    jobs:
      - job: after
        steps:
          - bash: echo after
"""
GITHUB = """\
on: workflow_dispatch
jobs:
  train:
    runs-on: ubuntu-latest
    environment: DEV
    outputs:
      decision: ${{{{ steps.gate.outputs.decision }}}}
    steps:
      - id: gate
        run: |
          mkdir -p out
          echo model > out/model.txt
          echo "decision={decision}" >> "$GITHUB_OUTPUT"
      - uses: actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02
        with: {{name: model, path: out}}
  promote:
    needs: train
    if: needs.train.outputs.decision == 'accepted'
    runs-on: ubuntu-latest
    environment: TEST
    steps:
      - uses: actions/download-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02
        with: {{name: model, path: model}}
      - run: cat model/model.txt
  after:
    needs: promote
    runs-on: ubuntu-latest
    steps:
      - run: echo after
"""
BOTH = pytest.mark.parametrize(("system", "text"), [("azure", AZURE), ("github", GITHUB)])


def test_a_stage_alone(run: Run) -> None:
    done = run("azure", AZURE.format(decision="accepted"), ("DEV",), only=("after",))
    assert _results(done) == {"train": "left out", "promote": "left out", "after": "succeeded"}
    assert done.result == "succeeded"
    done = run("github", GITHUB.format(decision="rejected"), ("DEV", "TEST"), only=("train", "promote"))
    assert _results(done) == {"train": "succeeded", "promote": "succeeded", "after": "left out"}


def _results(run: PipelineRun) -> dict[str, str]:
    return {name: stage.result for name, stage in run.stages.items()}


@BOTH
def test_an_accepted_model_goes_on(system: str, text: str, run: Run) -> None:
    done = run(system, text.format(decision="accepted"), ("DEV", "TEST"))
    assert done.result == "succeeded", done.failures
    assert _results(done) == {"train": "succeeded", "promote": "succeeded", "after": "succeeded"}
    assert (done.folder / "artifacts" / "model" / "model.txt").read_text(encoding="utf-8") == "model\n"


@BOTH
def test_a_rejection_is_green_and_skips_what_follows(system: str, text: str, run: Run) -> None:
    done = run(system, text.format(decision="rejected"), ("DEV", "TEST"))
    assert done.result == "succeeded"
    assert _results(done) == {"train": "succeeded", "promote": "skipped", "after": "skipped"}
    assert done.stages["promote"].reason == "it runs only if decision of train is accepted"
    assert "| ⏭️ skipped | 0 | it runs only if decision of train is accepted |" in summary(done)


@BOTH
def test_an_environment_that_nobody_approves_waits(system: str, text: str, run: Run) -> None:
    done = run(system, text.format(decision="accepted"), ("DEV",))
    assert (done.result, done.waiting) == ("waiting for an approval", ["TEST"])
    assert done.stages["promote"].reason == "waits for the approval of TEST"


STEPS = {
    "azure": "steps:\n"
    "  - bash: exit 4\n"
    "  - bash: echo not > skipped.txt\n"
    "  - bash: echo yes > failed.txt\n    condition: failed()\n"
    "  - bash: echo yes > always.txt\n    condition: succeededOrFailed()\n",
    "github": "on: workflow_dispatch\njobs:\n  Job:\n    runs-on: ubuntu-latest\n    steps:\n"
    "      - run: exit 4\n"
    "      - run: echo not > skipped.txt\n"
    "      - run: echo yes > failed.txt\n        if: failure()\n"
    "      - run: echo yes > always.txt\n        if: ${{ !cancelled() }}\n",
}


@pytest.mark.parametrize("system", STEPS)
def test_after_a_failure_only_those_run_that_ask_for_it(system: str, run: Run, layout: Layout) -> None:
    done = run(system, STEPS[system])
    assert done.result == "failed"
    (failure,) = done.failures
    assert failure.endswith("`exit 4` ended with exit code 4.")
    assert sorted(path.name for path in layout.root.glob("*.txt")) == ["always.txt", "failed.txt"]


def test_templates_parameters_and_variables_of_azure(run: Run, layout: Layout) -> None:
    folder = layout.root / "operation" / "pipelines"
    (folder / "variables.yml").write_text("variables:\n  GREETING: hello\n", encoding="utf-8")
    (folder / "stage.yml").write_text(
        "parameters:\n"
        "  - {name: environment, type: string}\n"
        "  - {name: loud, type: boolean, default: false}\n"
        "stages:\n"
        "  - stage: ${{ parameters.environment }}\n"
        "    variables:\n      WHO: ${{ lower(parameters.environment) }}\n"
        "    jobs:\n"
        "      - job: greet\n"
        "        variables:\n          BOTH: $[ format('{0}-{1}', variables.GREETING, 'x') ]\n"
        "        steps:\n"
        "          - ${{ if parameters.loud }}:\n"
        '              - bash: echo "$(GREETING) $(WHO) $BOTH $(unknown)!" > $(WHO).txt\n'
        "          - ${{ else }}:\n"
        '              - bash: echo "$GREETING $WHO" > $(WHO).txt\n',
        encoding="utf-8",
    )
    done = run(
        "azure",
        "parameters:\n  - name: environments\n    type: object\n    default: [DEV, TEST]\n"
        "variables:\n  - template: ../variables.yml\n"
        "stages:\n"
        "  - ${{ each name in parameters.environments }}:\n"
        "      - template: ../stage.yml\n"
        "        parameters:\n"
        "          environment: ${{ name }}\n"
        "          ${{ if eq(name, 'TEST') }}:\n            loud: true\n",
    )
    assert done.result == "succeeded", done.failures
    assert list(done.stages) == ["DEV", "TEST"]
    written = [(layout.root / f"{name}.txt").read_text(encoding="utf-8") for name in ("dev", "test")]
    assert written[0] == "hello dev\n"
    assert written[1].startswith("hello test hello-x ")


def test_outputs_between_jobs_of_a_stage_and_between_stages(run: Run, layout: Layout) -> None:
    done = run(
        "azure",
        "stages:\n"
        "  - stage: one\n"
        "    jobs:\n"
        "      - job: a\n"
        "        steps:\n"
        "          - bash: echo '##vso[task.setvariable variable=x;isOutput=true]7'\n            name: s\n"
        "          - bash: echo '##vso[task.setvariable variable=y]8'\n"
        '          - bash: echo "$(s.x) $(y) $Y" > same.txt\n'
        "      - job: b\n"
        "        dependsOn: a\n"
        "        condition: eq(dependencies.a.outputs['s.x'], 7)\n"
        "        steps:\n          - bash: echo b > b.txt\n"
        "  - stage: two\n"
        "    jobs:\n"
        "      - job: c\n"
        "        variables:\n          got: $[ stageDependencies.one.a.outputs['s.x'] ]\n"
        "        steps:\n          - bash: echo $(got) > c.txt\n",
    )
    assert done.result == "succeeded", done.failures
    assert (layout.root / "same.txt").read_text(encoding="utf-8") == "7 8 8\n"
    assert (layout.root / "b.txt").exists()
    assert (layout.root / "c.txt").read_text(encoding="utf-8") == "7\n"


def test_what_steps_tell_is_shown_and_kept(
    run: Run, layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    (layout.root / "page.md").write_text("# Rejected", encoding="utf-8")
    page: Path = layout.root / "page.md"
    done = run(
        "azure",
        "steps:\n"
        f"  - bash: echo '##vso[task.uploadsummary]{page}'\n"
        "  - bash: echo '##vso[task.logissue type=warning]50 %AZP25'\n"
        "  - bash: echo '##vso[task.complete result=Failed;]no'\n",
    )
    assert done.summaries == ["# Rejected"]
    assert done.result == "failed"
    assert "warning: 50 %" in capsys.readouterr().out


def test_machines_of_another_system_are_left_out(run: Run) -> None:
    done = run(
        "github",
        "on: workflow_dispatch\njobs:\n  test:\n"
        "    strategy:\n      matrix:\n        system: [ubuntu-latest, macos-latest]\n"
        "    runs-on: ${{ matrix.system }}\n    steps:\n      - run: echo ${{ matrix.system }}\n",
    )
    assert done.result == "succeeded"
    assert done.stages["test"].jobs["test"].reason == "needs macos-latest"


@BOTH
def test_an_interruption_is_recorded(
    system: str, text: str, read: Callable[[str, str], Pipeline], layout: Layout
) -> None:
    def say(line: str) -> None:
        """Stand for a signal that comes while the second stage shows its first line."""
        if line.strip() == "model":
            raise KeyboardInterrupt

    pipeline = read(system, text.format(decision="accepted"))
    runner = PipelineRunner(layout, pipeline, lambda _: True, say)
    with pytest.raises(KeyboardInterrupt):
        runner.run()
    assert runner.outcome.result == "canceled"
    assert [(stage.result, stage.reason) for stage in runner.outcome.stages.values()] == [
        ("succeeded", ""),
        ("canceled", "interrupted"),
        ("canceled", "not reached"),
    ]
    (failure,) = runner.outcome.failures
    assert failure.endswith("model/model.txt` was interrupted.")
    assert f"- {failure}" in summary(runner.outcome)


@pytest.mark.parametrize(("system", "own"), [("azure", "TF_BUILD"), ("github", "GITHUB_ACTIONS")])
def test_a_step_knows_its_own_system_alone(
    system: str, own: str, run: Run, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["GITHUB_ACTIONS", "GITHUB_OUTPUT", "TF_BUILD"]
    for name in names:  # as where `ci` is itself a step of a pipeline
        monkeypatch.setenv(name, "outer")
    done = run(system, STEPS[system].replace("exit 4", "env > env.txt", 1))
    assert done.result == "succeeded", done.failures
    lines = (layout.root / "env.txt").read_text(encoding="utf-8").splitlines()
    assert "outer" not in [line.partition("=")[2] for line in lines]
    found = {line.partition("=")[0] for line in lines} & {*names}
    assert found == ({own, "GITHUB_OUTPUT"} if system == "github" else {own})
