"""What the Ops Scripts do with an emulator, tried in one process: importing the SDK is slow.

``python submitting.py FOLDER`` builds the small project there and prints, as JSON, what became of each
attempt. The variables of the emulator lead the SDK there.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from typing import Any

from operation import cli
from operation.engine import configuration
from operation.engine.configuration.targets import chosen_compute
from operation.engine.evidence.certificate import certify, ways
from operation.engine.foundation.children import environ
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.steps.runners import child_process
from operation.engine.steps.session import Session
from operation.execution import job_files
from operation.execution.routes import azure_ml
from tests.operation.execution import small

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"


class Outcome(dict[str, Any]):
    """What one command gave: exit code, lines, and the manifest of its run."""


def command(layout: Layout, *words: str) -> Outcome:
    """Execute a command of the workbench here, and return what became of it."""
    log = layout.root / "out.txt"
    before = set(layout.runs.glob("*-small-*")) if layout.runs.exists() else set()
    with log.open("w", encoding="utf-8") as out, redirect_stdout(out), _stderr(out):
        code = cli.main(words)
    made = sorted(set(layout.runs.glob("*-small-*")) - before)
    record = json.loads((made[-1] / "manifest.json").read_text(encoding="utf-8")) if made else None
    capsule = str(made[-1] / "capsule.zip") if made and (made[-1] / "capsule.zip").exists() else None
    page = bool(made) and (made[-1] / "index.html").exists()
    lines = log.read_text(encoding="utf-8").splitlines()
    return Outcome(code=code, lines=lines, record=record, capsule=capsule, page=page)


@contextmanager
def _stderr(out: Any) -> Iterator[None]:
    before, sys.stderr = sys.stderr, out
    try:
        yield
    finally:
        sys.stderr = before


def failing(layout: Layout, how: str, what: str = "gate") -> Outcome:
    """Submit the gate, or the pipeline that it is a part of, so that it fails in the way `how`."""
    path = layout.configuration / "configuration-small.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("{name: letters}", f"{{name: letters, fail: {how}}}"), encoding="utf-8")
    try:
        return command(layout, "submit", what)
    finally:
        path.write_text(text, encoding="utf-8")


def locally(layout: Layout) -> dict[str, str]:
    """Say how a local session comes by each step."""
    configured = configuration.load("DEV", "small", layout)
    session = Session(configured, layout, child_process)
    return {name: session.step(name).how for name in configured.steps}


def packages(layout: Layout) -> dict[str, Any]:
    """Return what a job's environment asks for, and what is said where there is no such environment."""
    try:
        job_files.environment(layout, "trainig")
    except UsageError as error:
        said = str(error)
    made = job_files.environment(layout, "training")
    return {"unknown": said, "name": made.name, **made.python.conda_dependencies.as_dict()}


def certified(layout: Layout) -> dict[str, Any]:
    """Certify that a child process and a run of Azure ML give the same."""
    configured = configuration.load("DEV", "small", layout)
    more = {"azure-ml": azure_ml(chosen_compute(layout, configured))}
    setattr(certify, "WAYS", {"script": ways.WAYS["script"]})  # noqa: B010 - the other ways start kernels
    return certify.certify(layout, configured, [], lambda *_: None, more)[1]


def main(root: Path) -> None:
    """Try everything, in an order in which each finds what it needs."""
    layout = small.build(root)
    (layout.configuration / "configuration-PROD.yml").write_text(
        dedent(small.ENVIRONMENT.format(name="PROD", lower="prod")), encoding="utf-8"
    )
    committed(layout)
    found: dict[str, Any] = {}
    with environ({"WORKBENCH_ROOT": str(root)}):
        found["script"] = command(layout, "submit", "gate")
        found["again"] = command(layout, "submit", "gate")
        found["locally"] = locally(layout)
        shutil.rmtree(layout.store)
        found["collected"] = command(layout, "submit", "gate")
        found["certificate"] = certified(layout)
        found["estimator"] = command(layout, "submit", "gate", "--as", "estimator", "--fresh")
        found["local"] = command(layout, "submit", "gate", "--compute", "local", "--fresh")
        found["pipeline"] = command(layout, "submit", "pipeline", "--schedule", "--json")
        found["pipeline again"] = command(layout, "submit", "pipeline")
        found |= {how: failing(layout, how) for how in ("bug", "data", "gate", "kill")}
        found["failed pipeline"] = failing(layout, "package", "pipeline")
        found["promote"] = command(layout, "models", "promote", "letters", "--to", "TEST")
        found["list"] = command(layout, "models", "list", "--environment", "TEST", "--json")
        download = ("models", "download", "letters", "--folder", str(root / "downloaded"))
        found["download"] = command(layout, *download)
        found |= promoted(layout)
        found["spark"] = spark(layout)
        found["packages"] = packages(layout)
        found["elsewhere"] = elsewhere(layout)
        found["unreachable"] = unreachable(layout)
    print(json.dumps(found))


def committed(layout: Layout) -> None:
    """Commit the small project, but for what running leaves."""
    (layout.root / ".gitignore").write_text(
        "runs/\ndownloaded/\n*.txt\n__pycache__/\n*.zip\n", encoding="utf-8"
    )
    as_somebody = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.com"]
    for words in (["init", "-q"], ["add", "-A"], [*as_somebody, "commit", "-qm", "small"]):
        subprocess.run(["git", "-C", str(layout.root), *words], check=True)


def promoted(layout: Layout) -> dict[str, Any]:
    """Promote from TEST to PROD, and back to the model before."""
    promote = ("models", "promote", "letters", "--environment")
    register = ("models", "register", "--environment")
    found = {"unjudged": command(layout, *promote, "TEST", "--to", "PROD")}
    with environ({"FACTOR": "1"}):
        found["judged"] = command(layout, "models", "judge", "letters", "--environment", "TEST")
        found["prod"] = command(layout, *promote, "TEST", "--to", "PROD")
    with environ({"FACTOR": "2"}):
        for words in ((*register, "DEV"), (*promote, "DEV", "--to", "TEST"), (*register, "TEST")):
            found["second"] = command(layout, *words)
        found["second in prod"] = command(layout, *promote, "TEST", "--to", "PROD")
    found["rollback"] = command(layout, "models", "rollback", "letters", "--environment", "PROD")
    found["champions"] = command(layout, "models", "list", "--environment", "PROD", "--json")
    found["ledger"] = command(layout, "ledger", "--environment", "PROD", "--json")
    return found


def spark(layout: Layout) -> Outcome:
    """Submit to a Spark cluster."""
    key = layout.root / "key"
    key.write_text("opens nothing", encoding="utf-8")
    settings = {"kind": "hdinsight", "address": "spark-ssh.azurehdinsight.net", "username": "me"}
    lines = [f"{name}: {value}" for name, value in {**settings, "private-key-file": str(key)}.items()]
    place = layout.configuration / "compute" / "spark-cluster.yml"
    place.write_text("\n".join(lines), encoding="utf-8")
    return command(layout, "submit", "gate", "--as", "spark", "--fresh")


def elsewhere(layout: Layout) -> Outcome:
    """Submit with a config.json that names another workspace than the environment."""
    config = layout.root / "config.json"
    place = {"subscription_id": SUBSCRIPTION, "resource_group": "rg-small", "workspace_name": "amlother"}
    config.write_text(json.dumps(place), encoding="utf-8")
    try:
        return command(layout, "submit", "count")
    finally:
        config.unlink()


def unreachable(layout: Layout) -> Outcome:
    """Submit where nobody answers any more."""
    from operation.execution import utils

    opened = utils.workspace
    try:
        utils.workspace = _refused
        return command(layout, "submit", "count", "--fresh")
    finally:
        utils.workspace = opened


def _refused(*_: object, **__: object) -> None:
    # as the SDK would, which brings it along
    import_module("requests").get("https://localhost:9/", timeout=5)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
