"""Modules are shared between pipelines; drafts are changed, submitted, published and forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.operation.emulator.preludes import on_a_cluster

SUBMIT = (
    on_a_cluster("amldrafts")
    + """
import json
from azureml.core import Experiment
from azureml.pipeline.core import Module, Pipeline, PipelineData, PipelineDraft, PipelineParameter
from azureml.pipeline.core.graph import OutputPortDef
from azureml.pipeline.steps import ModuleStep, PythonScriptStep
shared = {"compute_target": cluster, "runconfig": config}

def printed(run):
    run.wait_for_completion(show_output=False)
    return [step.get_stdout_log() for step in run.get_children()]

module = Module.create(workspace, "adder", "adds one")
port = OutputPortDef("sum", default_datastore_name=store.name, default_datastore_mode="mount", label="sum")
words = {"arguments": ["--out", port], "source_directory": "source", "params": {"start": "1"}}
module.publish_python_script("add.py", "the first", [], [port], version="1", is_default=True, **words)
module.publish_python_script("add.py", "the second", [], [port], version="2", **words)
module = Module.get(workspace, name="adder")
found["module"] = [module.default_version, [one.version for one in module.module_version_list()]]
made = PipelineData("made", datastore=store)
step = ModuleStep(module, outputs_map={"sum": made}, params={"start": "41"}, **shared)
found["added"] = printed(Experiment(workspace, "modules").submit(Pipeline(workspace, [step])))

word = PipelineParameter("word", "nothing")
say = PythonScriptStep("say.py", "say", [word], source_directory="source", allow_reuse=False, **shared)
pipeline = Pipeline(workspace, [say])
given = {"pipeline_parameters": {"word": "first"}, "tags": {"kind": "sketch"}}
draft = PipelineDraft.create(workspace, pipeline, "sketch", "a draft", "drafts", **given)
found["listed"] = [one.name for one in PipelineDraft.list(workspace, tags={"kind": "sketch"})]
found["others"] = [one.name for one in PipelineDraft.list(workspace, tags={"kind": "other"})]
found["first"] = printed(draft.submit_run())
draft.update(pipeline_parameters={"word": "second"})
found["second"] = printed(PipelineDraft.get(workspace, draft.id).submit_run())
found["published"] = printed(draft.publish().submit(workspace, "published"))
draft.delete()
found["left"] = [one.name for one in PipelineDraft.list(workspace)]
print()
print(json.dumps(found))
"""
)
ADD = """
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("--out")
folder = parser.parse_args().out
os.makedirs(folder)
print(int(os.environ["AML_PARAMETER_start"]) + 1)
"""


@pytest.fixture(scope="module")
def found(answered: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """Return what the SDK sees of modules and drafts."""
    say = "import sys\nprint(sys.argv[1])\n"
    return answered(SUBMIT, {"source/add.py": ADD, "source/say.py": say})


def a_module_has_versions_and_is_a_step(found: dict[str, Any]) -> None:
    assert found["module"] == ["1", ["1", "2"]]
    assert found["added"] == ["42\n"]


def a_draft_is_submitted_with_what_it_says_now(found: dict[str, Any]) -> None:
    assert (found["first"], found["second"]) == (["first\n"], ["second\n"])


def a_draft_is_listed_published_and_deleted(found: dict[str, Any]) -> None:
    assert (found["listed"], found["others"]) == (["sketch"], [])
    assert found["published"] == ["second\n"]
    assert found["left"] == []


def test_modules_and_drafts_through_the_sdk(found: dict[str, Any], subtests: pytest.Subtests) -> None:
    # one test, so that what it looks at is made once, by one worker
    checks: list[Callable[[dict[str, Any]], None]] = [
        a_module_has_versions_and_is_a_step,
        a_draft_is_submitted_with_what_it_says_now,
        a_draft_is_listed_published_and_deleted,
    ]
    for check in checks:
        with subtests.test(check.__name__):
            check(found)
