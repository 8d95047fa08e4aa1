"""Spark submissions of the SDK are looked at field by field."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from operation.emulator.jobs import spark

SUBMIT = """
import json
from azureml.core import Experiment, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget, HDInsightCompute
from azureml.core.environment import SparkPackage
from azureml.core.runconfig import RunConfiguration
place = {"subscription_id": "11111111-1111-1111-1111-111111111111", "resource_group": "rg-test"}
workspace = Workspace.get("amlspark", **place)
secret = {"username": "sshuser", "password": "secret"}
cluster = HDInsightCompute.attach_configuration(address="hdi-ssh.azurehdinsight.net", ssh_port=22, **secret)
ComputeTarget.attach(workspace, "hdi", cluster)
size = AmlCompute.provisioning_configuration("Standard_DS2_v2", max_nodes=2)
ComputeTarget.create(workspace, "cpu", size)
def submit(target="hdi", script="count.py", settings=None, mode="client"):
    config = RunConfiguration(framework="PySpark")
    config.target = target
    config.hdi.yarn_deploy_mode = mode
    config.spark.configuration = settings or {"spark.app.name": "count", "spark.executor.memory": "1g"}
    config.environment.python.user_managed_dependencies = True
    config.environment.spark.packages = [SparkPackage("com.example", "tables_2.12", "1.0")]
    config.environment.spark.repositories = ["https://repository.example/maven"]
    submitted = ScriptRunConfig("source", script, ["--rows", 3], run_config=config)
    return Experiment(workspace, "spark").submit(submitted)
def refused(**how):
    try:
        return str(submit(**how))
    except Exception as error:
        said = str(error).partition("Message: ")[2].partition("InnerException")[0]
        return json.loads(said)["error_details"]["message"]
run = submit()
run.wait_for_completion()
run.download_file("outputs/spark-submission.json", "report.json")
found = {"status": run.get_status(), "report": json.load(open("report.json"))}
found["properties"] = {name: value for name, value in run.get_properties().items() if "spark" in name}
found["target"] = refused(target="cpu")
found["name"] = refused(settings={"app.name": "count"})
found["mode"] = refused(mode="standalone")
found["script"] = refused(script="broken.py")
print()
print(json.dumps(found))
"""
EQUIVALENT = (
    "spark-submit --master yarn --deploy-mode client --conf spark.app.name=count"
    " --conf spark.executor.memory=1g --packages com.example:tables_2.12:1.0"
    " --repositories https://repository.example/maven count.py --rows 3"
)


@pytest.fixture(scope="module")
def found(run_with_emulator: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what comes of Spark submissions, good and bad."""
    folder = tmp_path_factory.mktemp("spark")
    (folder / "source").mkdir()
    script = (
        "from pyspark.sql import SparkSession\nprint(SparkSession.builder.getOrCreate().range(3).count())\n"
    )
    (folder / "source" / "count.py").write_text(script, encoding="utf-8")
    (folder / "source" / "broken.py").write_text("print(\n", encoding="utf-8")
    answers: dict[str, Any] = json.loads(run_with_emulator(SUBMIT, folder=folder).splitlines()[-1])
    return answers


def a_submission_says_that_it_was_verified_and_how(found: dict[str, Any]) -> None:
    assert found["status"] == "Completed"
    report = found["report"]
    assert report["submission"] == "verified"
    assert report["equivalent"] == EQUIVALENT
    assert report["fields"]["target"] == "hdi (HDInsight)"
    assert report["fields"]["environment.spark.packages"] == ["com.example:tables_2.12:1.0"]
    assert found["properties"]["emulator.spark"] == report["how"]
    executed = "executed by Spark on this machine, with the master local[*]"
    looked_at = "not executed: there is no pyspark with a Java on this machine; every field was looked at"
    assert report["how"] == (executed if spark.is_available() else looked_at)


def a_wrong_field_is_named(found: dict[str, Any]) -> None:
    wrong = {
        "target": "target is 'cpu (AmlCompute)'; it must be a cluster of kind HDInsight or SynapseSpark",
        "name": "spark.configuration.app.name is 'count';"
        " it must be a plain value, named like spark.app.name",
        "mode": "hdi.yarnDeployMode is 'standalone'; it must be cluster or client",
        "script": "script is 'broken.py'; it must be a Python file (line 1: '(' was never closed)",
    }
    told = {how: found[how] for how in wrong}
    assert told == {how: f"the Spark submission's {message}" for how, message in wrong.items()}


def test_spark_through_the_sdk(found: dict[str, Any], subtests: pytest.Subtests) -> None:
    # one test, so that what it looks at is made once, by one worker
    checks: list[Callable[[dict[str, Any]], None]] = [
        a_submission_says_that_it_was_verified_and_how,
        a_wrong_field_is_named,
    ]
    for check in checks:
        with subtests.test(check.__name__):
            check(found)
