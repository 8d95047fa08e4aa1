"""Published pipelines, their endpoints, their REST trigger and their schedules, through the SDK."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.operation.emulator.preludes import on_a_cluster

PUBLISH = (
    on_a_cluster("amlpublished")
    + """
import datetime, json, time
import requests
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.pipeline.core import Pipeline, PipelineEndpoint, PipelineParameter, PipelineRun
from azureml.pipeline.core import PublishedPipeline, Schedule, ScheduleRecurrence, TimeZone
from azureml.pipeline.steps import HyperDriveStep, PythonScriptStep
shared = {"compute_target": cluster, "runconfig": config, "source_directory": "source"}

def refused(work):
    try:
        return str(work())
    except Exception as error:
        return str(error)

def printed(run):
    run.wait_for_completion(show_output=False)
    return run.find_step_run("say")[0].get_stdout_log()

word = PipelineParameter("word", "nothing")
def pipeline(version):
    step = PythonScriptStep("say.py", "say", [version, word], allow_reuse=False, **shared)
    return Pipeline(workspace, [step]).publish("greeting", "says a word", version)

first, second = pipeline("1"), pipeline("2")
found["listed"] = [(one.name, one.version, one.status) for one in PublishedPipeline.list(workspace)]
found["steps"] = PublishedPipeline.get(workspace, first.id).get_step_names()
found["submitted"] = printed(first.submit(workspace, "published", {"word": "hello"}))
header = workspace._auth_object.get_authentication_header()
def posted(address, document, headers=header):
    answered = requests.post(address, headers=headers, json=document)
    return answered.status_code, answered.json()
def by_rest(address, document):
    status, answer = posted(address, document)
    return status, printed(PipelineRun(workspace.experiments[document["ExperimentName"]], answer["Id"]))
found["rest"] = by_rest(first.endpoint, {"ExperimentName": "rest", "ParameterAssignments": {"word": "bye"}})
found["rest wrong"] = posted(first.endpoint, {"ExperimentName": "rest", "ParameterAssignments": {"wort": 1}})
found["rest nameless"] = posted(first.endpoint, {})
found["rest without a token"] = posted(first.endpoint, {"ExperimentName": "rest"}, {})[0]

endpoint = PipelineEndpoint.publish(workspace, "greetings", "all versions", first)
endpoint.add_default(second)
endpoint = PipelineEndpoint.get(workspace, name="greetings")
found["versions"] = [endpoint.default_version, [one.version for one in endpoint.list_versions()]]
found["default"] = printed(endpoint.submit("endpoint"))
found["version 0"] = printed(endpoint.submit("endpoint", pipeline_version="0"))
found["endpoint rest"] = by_rest(endpoint.endpoint, {"ExperimentName": "rest"})
endpoint.set_default_version("0")
found["default now"] = PipelineEndpoint.get(workspace, id=endpoint.id).default_version
found["unknown version"] = refused(lambda: endpoint.submit("endpoint", pipeline_version="7"))
found["endpoints"] = [one.name for one in PipelineEndpoint.list(workspace)]

recently = datetime.datetime.utcnow() - datetime.timedelta(seconds=58)
every_minute = ScheduleRecurrence("Minute", 1, start_time=recently)
words = {"pipeline_parameters": {"word": "tick"}}
timed = Schedule.create(workspace, "each minute", first.id, "scheduled", every_minute, **words)
path = PipelineParameter("news", DataPath(store, "none")), DataPathComputeBinding()
step = PythonScriptStep("read.py", "say", [path], inputs=[path], allow_reuse=False, **shared)
reader = Pipeline(workspace, [step]).publish("reader", "reads what is new", "1")
watch = {"datastore": store, "polling_interval": 1, "path_on_datastore": "incoming"}
watch["data_path_parameter_name"] = "news"
watched = Schedule.create(workspace, "new data", reader.id, "watched", **watch)
store.upload_files(["elsewhere.txt"], target_path="other", show_progress=False)
noon = ScheduleRecurrence("Day", 1, time_of_day="12:30", time_zone=TimeZone.PacificStandardTime)
daily = Schedule.create_for_pipeline_endpoint(workspace, "daily", endpoint.id, "daily", recurrence=noon)
found["schedules"] = [one.name for one in Schedule.list(workspace)]
found["of the endpoint"] = [one.name for one in Schedule.list(workspace, pipeline_endpoint_id=endpoint.id)]
daily.disable()
time.sleep(1.5)
found["nothing new"] = len(watched.get_pipeline_runs())
store.upload_files(["fresh.txt"], target_path="incoming", show_progress=False)
until = time.time() + 30
while time.time() < until and not (watched.get_pipeline_runs() and timed.get_pipeline_runs()):
    time.sleep(0.2)
found["fired"] = printed(timed.get_last_pipeline_run())
found["read"] = [printed(run) for run in watched.get_pipeline_runs()]
timed.disable()
watched.disable()
found["active"] = [one.name for one in Schedule.list(workspace)]
found["all"] = [one.name for one in Schedule.list(workspace, active_only=False)]
found["of nothing"] = refused(lambda: Schedule.create(workspace, "x", "nothing", "x", every_minute))
first.disable()
found["active pipelines"] = [one.version for one in PublishedPipeline.list(workspace)]
found["disabled"] = refused(lambda: first.submit(workspace, "published"))
print()
print(json.dumps(found))
"""
)


@pytest.fixture(scope="module")
def found(answered: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """Return what the SDK and plain HTTP see of published pipelines."""
    files = {
        "source/say.py": "import sys\nprint(*sys.argv[1:])\n",
        "source/read.py": "import sys\nprint(open(sys.argv[1]).read())\n",
        "fresh.txt": "fresh",
        "elsewhere.txt": "elsewhere",
    }
    return answered(PUBLISH, files)


def a_published_pipeline_is_listed_and_submitted_with_parameters(found: dict[str, Any]) -> None:
    assert found["listed"] == [["greeting", "1", "Active"], ["greeting", "2", "Active"]]
    assert found["steps"] == ["say"]
    assert found["submitted"] == "1 hello\n"


def a_post_to_its_address_submits_it(found: dict[str, Any]) -> None:
    assert found["rest"] == [200, "1 bye\n"]
    assert found["rest without a token"] == 401


def a_wrong_post_is_told_what_is_wrong(found: dict[str, Any]) -> None:
    said = [(found[how][0], found[how][1]["error"]["message"]) for how in ("rest wrong", "rest nameless")]
    assert said == [
        (400, "the pipeline has no parameter 'wort'; it has: word"),
        (400, 'the submission names no experiment: add "ExperimentName"'),
    ]


def an_endpoint_has_versions_and_a_default(found: dict[str, Any]) -> None:
    assert found["versions"] == ["1", ["0", "1"]]
    assert (found["default"], found["version 0"]) == ("2 nothing\n", "1 nothing\n")
    assert found["endpoint rest"] == [200, "2 nothing\n"]
    assert found["default now"] == "0"
    assert found["endpoints"] == ["greetings"]
    assert "endpoint greetings has no version '7'; it has: 0, 1" in found["unknown version"]


def schedules_fire_by_the_clock_and_on_new_data(found: dict[str, Any]) -> None:
    assert found["schedules"] == ["each minute", "new data", "daily"]
    assert found["of the endpoint"] == ["daily"]
    assert found["fired"] == "1 tick\n"
    assert found["nothing new"] == 0
    assert found["read"] == ["fresh\n"]


def schedules_are_disabled_and_listed(found: dict[str, Any]) -> None:
    assert found["active"] == []
    assert found["all"] == ["each minute", "new data", "daily"]
    assert "There is no pipeline publication 'nothing' here" in found["of nothing"]


def a_disabled_pipeline_is_not_submitted(found: dict[str, Any]) -> None:
    assert found["active pipelines"] == ["2", "1"]
    assert "is not active" in found["disabled"]


def test_publications_and_schedules_through_the_sdk(found: dict[str, Any], subtests: pytest.Subtests) -> None:
    # one test, so that what it looks at is made once, by one worker
    checks: list[Callable[[dict[str, Any]], None]] = [
        a_published_pipeline_is_listed_and_submitted_with_parameters,
        a_post_to_its_address_submits_it,
        a_wrong_post_is_told_what_is_wrong,
        an_endpoint_has_versions_and_a_default,
        schedules_fire_by_the_clock_and_on_new_data,
        schedules_are_disabled_and_listed,
        a_disabled_pipeline_is_not_submitted,
    ]
    for check in checks:
        with subtests.test(check.__name__):
            check(found)
