"""The sections of a use case that are Azure ML's: every mistake with its line."""

from __future__ import annotations

import pytest

from operation.engine import configuration
from operation.engine.foundation.errors import ConfigurationError
from operation.engine.foundation.layout import Layout
from tests.operation.execution import small

SOUND = """\
automl:
  training: count.model
  holdout: count.model
  label: target
  task: regression
  metric: r2_score
  compare: gate
"""


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.delenv("ENVIRONMENT", raising=False)
    layout = small.build(tmp_path_factory.mktemp("azure") / "small")
    path = layout.configuration / "configuration-small.yml"
    kept = path.read_text(encoding="utf-8").split("pipeline:")[0]
    path.write_text(kept.strip("\n") + "\n", encoding="utf-8")
    return layout


def with_section(project: Layout, text: str) -> int:
    """Add a section to the use case, and return the number of lines before it."""
    path = project.configuration / "configuration-small.yml"
    before = path.read_text(encoding="utf-8")
    path.write_text(before + text, encoding="utf-8")
    return len(before.splitlines())


def test_what_is_not_said_has_a_default(project: Layout) -> None:
    with_section(project, f"{SOUND}pipeline:\n  publish: letters\n")
    configured = configuration.load("DEV", "small", project)
    assert configured.automl is not None
    assert configured.pipeline is not None
    assert (configured.automl.iterations, configured.automl.minutes) == (20, 30)
    assert (configured.pipeline.every, configured.pipeline.interval) == (None, 1)


def test_a_use_case_needs_no_section(project: Layout) -> None:
    configured = configuration.load("DEV", "small", project)
    assert (configured.automl, configured.pipeline) == (None, None)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (
            SOUND + "  minute: 5\n",
            8,
            "unknown key 'minute' in 'automl': expected training, holdout, label, task, "
            "metric, compare, iterations or minutes. Did you mean 'minutes'?",
        ),
        (SOUND + "  minutes: 5\n", 8, "'minutes' of 'automl': expected 15 or more, found 5."),
        (SOUND + "  iterations: ten\n", 8, "'iterations' of 'automl': expected a whole number, found 'ten'."),
        (
            SOUND.replace("task: regression", "task: guess"),
            5,
            "'task' of 'automl': expected 'classification' or 'regression', found 'guess'.",
        ),
        (
            SOUND.replace("  metric: r2_score\n", ""),
            1,
            "key 'metric' is missing in 'automl': add a line 'metric: ...'.",
        ),
        (SOUND.replace("compare: gate", "compare: gat"), 7, "'compare' of 'automl': there is no step 'gat'."),
        (
            "pipeline:\n  publish: x\n  every: day\n  on-new-data: in\n",
            4,
            "'pipeline' has both 'every' and 'on-new-data': a schedule is one of them. Remove one.",
        ),
        (
            "pipeline: daily\n",
            1,
            "'pipeline': expected a mapping, lines such as 'name: value', found 'daily'.",
        ),
    ],
)
def test_each_mistake_is_told_with_its_line(project: Layout, text: str, line: int, message: str) -> None:
    before = with_section(project, text)
    with pytest.raises(ConfigurationError) as caught:
        configuration.load("DEV", "small", project)
    assert str(caught.value) == f"configuration/configuration-small.yml:{before + line}: {message}"


def test_a_table_that_no_step_gives(project: Layout) -> None:
    with_section(project, SOUND.replace("training: count.model", "training: count.modl"))
    with pytest.raises(ConfigurationError, match=r"'training' of 'automl' reads .*'count\.modl'"):
        configuration.load("DEV", "small", project)
