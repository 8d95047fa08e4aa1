"""Spark submissions: every field looked at; executed by a Spark of this machine where there is one."""

import ast
import dataclasses
import importlib.util
import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from operation.emulator.history import runs
from operation.emulator.http import HttpError
from operation.emulator.jobs.execution_job import JobDefinition
from operation.emulator.state import State

FRAMEWORKS = ("pyspark", "spark")
CLUSTERS = ("HDInsight", "SynapseSpark")
REPORT = "spark-submission.json"
_DEPLOY_MODES = ("cluster", "client")
_MASTER = "local[*]"


def is_spark(configuration: Mapping[str, Any]) -> bool:
    """Return whether a run configuration wants Spark."""
    return str(configuration.get("framework") or "").lower() in FRAMEWORKS


def job(
    state: State, run_id: str, configuration: Mapping[str, Any], definition: JobDefinition, work: Path
) -> JobDefinition:
    """Return what a Spark submission executes here, once each of its fields has been looked at."""
    checked = dict(_checked(state, configuration, work))
    words = submit_words(configuration, definition.arguments)
    executed = is_available()
    how = f"executed by Spark on this machine, with the master {_MASTER}" if executed else _NOT_EXECUTED
    report = {"submission": "verified", "how": how, "fields": checked, "equivalent": shlex.join(words)}
    run = runs.known_run(state, run_id)
    properties = {"emulator.spark": how, "emulator.spark.equivalent": report["equivalent"]}
    runs.record(state, run["experimentName"], run_id, {"properties": properties})
    (work / "outputs").mkdir(parents=True, exist_ok=True)
    (work / "outputs" / REPORT).write_text(json.dumps(report, indent=1), encoding="utf-8")
    if executed:
        return dataclasses.replace(
            definition,
            environment_variables={**definition.environment_variables, **_variables(configuration)},
        )
    command = [sys.executable, "-c", _SAYS, f"outputs/{REPORT}"]
    return dataclasses.replace(definition, command=command, python=Path(sys.executable))


_NOT_EXECUTED = "not executed: there is no pyspark with a Java on this machine; every field was looked at"
_SAYS = (
    "import json, sys; report = json.load(open(sys.argv[1], encoding='utf-8'));"
    "print('submission verified,', report['how']);"
    "[print(f'  {name}: {value}') for name, value in report['fields'].items()];"
    "print('equivalent:', report['equivalent'])"
)


def is_available() -> bool:
    """Return whether this machine can execute a Spark script."""
    java = shutil.which("java") or os.environ.get("JAVA_HOME")
    return bool(java) and importlib.util.find_spec("pyspark") is not None


def submit_words(configuration: Mapping[str, Any], arguments: list[str]) -> list[str]:
    """Return the spark-submit command that the submission comes to on a cluster."""
    command = ["spark-submit", "--master", "yarn", "--deploy-mode", _deploy_mode(configuration)]
    for name, value in sorted(_settings(configuration).items()):
        command += ["--conf", f"{name}={value}"]
    packages, repositories = _packages(configuration), _section(configuration).get("repositories") or []
    command += ["--packages", ",".join(packages)] if packages else []
    command += ["--repositories", ",".join(repositories)] if repositories else []
    return [*command, str(configuration["script"]), *arguments]


def _checked(state: State, configuration: Mapping[str, Any], work: Path) -> Iterator[tuple[str, object]]:
    yield "framework", configuration["framework"]
    yield "target", _cluster(state, configuration)
    yield "script", _script(configuration, work)
    yield "arguments", list(configuration.get("arguments") or [])
    if _deploy_mode(configuration) not in _DEPLOY_MODES:
        raise _wrong("hdi.yarnDeployMode", _deploy_mode(configuration), " or ".join(_DEPLOY_MODES))
    yield "hdi.yarnDeployMode", _deploy_mode(configuration)
    for name, value in _settings(configuration).items():
        if not name.startswith("spark.") or isinstance(value, dict | list):
            raise _wrong(f"spark.configuration.{name}", value, "a plain value, named like spark.app.name")
    yield "spark.configuration", _settings(configuration)
    yield "environment.spark.packages", _packages(configuration)
    repositories = _section(configuration).get("repositories") or []
    for repository in repositories:
        if "://" not in str(repository):
            raise _wrong("environment.spark.repositories", repository, "an address")
    yield "environment.spark.repositories", repositories
    yield "environment.spark.precachePackages", _section(configuration).get("precachePackages", True)
    python = (configuration.get("environment") or {}).get("python") or {}
    yield "environment.python.userManagedDependencies", bool(python.get("userManagedDependencies"))
    yield "environment.python.condaDependencies", (python.get("condaDependencies") or {}).get("dependencies")
    yield "nodeCount", configuration.get("nodeCount")


def _cluster(state: State, configuration: Mapping[str, Any]) -> str:
    name = configuration.get("target")
    target = state.get("computes", str(name))
    if target is None:
        targets = ", ".join(compute["name"] for compute in state.all("computes")) or "none"
        raise HttpError(f"There is no compute target {name!r}; the workspace has: {targets}", status=404)
    kind = target["properties"]["computeType"]
    if kind not in CLUSTERS:
        raise _wrong("target", f"{name} ({kind})", f"a cluster of kind {' or '.join(CLUSTERS)}")
    return f"{name} ({kind})"


def _script(configuration: Mapping[str, Any], work: Path) -> str:
    name = str(configuration.get("script") or "")
    file = work / name
    if not name or not file.is_file():
        raise _wrong("script", name, "a file of the snapshot")
    try:
        ast.parse(file.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise _wrong("script", name, f"a Python file (line {error.lineno}: {error.msg})") from error
    return name


def _deploy_mode(configuration: Mapping[str, Any]) -> str:
    return str((configuration.get("hdi") or {}).get("yarnDeployMode") or "cluster").lower()


def _settings(configuration: Mapping[str, Any]) -> dict[str, Any]:
    return dict((configuration.get("spark") or {}).get("configuration") or {})


def _section(configuration: Mapping[str, Any]) -> dict[str, Any]:
    return dict((configuration.get("environment") or {}).get("spark") or {})


def _packages(configuration: Mapping[str, Any]) -> list[str]:
    coordinates = []
    for package in _section(configuration).get("packages") or []:
        parts = [package.get(name) for name in ("group", "artifact", "version")]
        if not all(parts):
            raise _wrong("environment.spark.packages", package, "a group, an artifact and a version")
        coordinates.append(":".join(parts))
    return coordinates


def _variables(configuration: Mapping[str, Any]) -> dict[str, str]:
    options = ["--master", _MASTER]
    for name, value in sorted(_settings(configuration).items()):
        if not name.startswith("spark.yarn."):  # there is no yarn here
            options += ["--conf", f"{name}={value}"]
    packages = _packages(configuration)
    options += ["--packages", ",".join(packages)] if packages else []
    return {"PYSPARK_SUBMIT_ARGS": shlex.join([*options, "pyspark-shell"]), "PYSPARK_PYTHON": sys.executable}


def _wrong(name: str, value: object, expected: str) -> HttpError:
    return HttpError(f"the Spark submission's {name} is {value!r}; it must be {expected}")
