"""Every way to a workspace and each of its failures, tried in one process: importing the SDK is slow.

``python credentials.py FOLDER`` prints, as JSON, what became of each attempt. The variables of the
emulator lead the SDK there.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import utils
from operation.engine.foundation.children import environ
from operation.engine.foundation.errors import WorkbenchError
from operation.execution.utils import workspace
from support import azure, step

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
LOGIN = os.environ["ARM_CLOUD_METADATA_URL"].removesuffix("/metadata/endpoints")
NOTHING: dict[str, str] = dict.fromkeys(azure.PRINCIPAL, "")
WHOAMI = """
from pathlib import Path
import utils
from support import step
opened = utils.workspace(name="another", group="another")
print(f"{opened.name} in {opened.resource_group} by {type(opened._auth).__name__}")
step.log_metrics(Path("."), {"rows": 3, "roc_auc": 0.75})
"""
DEV = {"name": "amldev", "group": "rg-dev"}


def outcome(call: Callable[[], Any], variables: dict[str, str]) -> str:
    """Return the workspace that `call` opens and its login, or what it says."""
    with environ(variables):
        try:
            opened = call()
        except (step.StepError, WorkbenchError) as error:
            return f"{type(error).__name__}: {error}"
        return f"{opened.name} in {opened.resource_group} by {type(opened._auth).__name__}"


def config(folder: Path, **changed: str) -> Path:
    """Return a config.json, as the page of a workspace gives it."""
    place = {"subscription_id": SUBSCRIPTION, "resource_group": "rg-test", "workspace_name": "amltest"}
    return written(folder / f"{'-'.join(changed) or 'right'}.json", json.dumps({**place, **changed}))


def written(path: Path, text: str) -> Path:
    """Return the file `path` holding `text`."""
    path.write_text(text, encoding="utf-8")
    return path


def azure_cli(folder: Path, answer: str) -> dict[str, str]:
    """Return variables under which an Azure CLI that says `answer` is found."""
    folder.mkdir()
    name, text = ("az.cmd", f"@{answer}\n") if os.name == "nt" else ("az", f"#!/bin/sh\n{answer}\n")
    written(folder / name, text).chmod(0o755)
    return {**NOTHING, "PATH": os.pathsep.join([str(folder), os.environ["PATH"]])}


def logged_in(folder: Path) -> dict[str, str]:
    """Return variables under which an Azure CLI gives tokens."""
    form = f"resource=x&client_secret={os.environ[azure.PRINCIPAL[2]]}".encode()
    with urlopen(f"{LOGIN}/adfs/oauth2/token", form) as granted:
        token = {"accessToken": json.load(granted)["access_token"], "expires_on": 1_900_000_000}
    answer = written(folder / "token.json", json.dumps(token))
    return azure_cli(folder / "in", f"type {answer}" if os.name == "nt" else f"cat '{answer}'")


def logged_out(folder: Path) -> dict[str, str]:
    """Return variables under which an Azure CLI gives none."""
    return azure_cli(folder / "out", "echo Please run 'az login' to set up an account. >&2; exit 1")


def in_a_run(folder: Path) -> str:
    """Return what a Core Script prints of its workspace, and the metrics that it logs, in a job."""
    from azureml.core import Experiment, ScriptRunConfig

    source = folder / "source"
    source.mkdir()
    shutil.copy(str(utils.__file__), source)
    shutil.copytree(Path(str(azure.__file__)).parent, source / "support")
    written(source / "whoami.py", WHOAMI)
    run = Experiment(workspace(config(folder)), "credentials").submit(
        ScriptRunConfig(str(source), "whoami.py")
    )
    run.wait_for_completion(raise_on_error=False)
    logs = run.get_all_logs(str(folder / "logs"))
    said = "\n".join(Path(file).read_text(encoding="utf-8") for file in logs)
    return f"{run.get_status()}: {said.strip()} {run.get_metrics()}"


def main(folder: Path) -> None:
    """Try all, print all."""
    nowhere = folder / "nowhere.json"

    def core(place: Path = nowhere, **named: str) -> Callable[[], Any]:
        return lambda: utils.workspace(place, **named)

    def principal(**named: str) -> Callable[[], Any]:
        return core(nowhere, **named)

    attempts: dict[str, tuple[Callable[[], Any], dict[str, str]]] = {
        "nothing": (core(), NOTHING),
        "config.json with a service principal": (core(config(folder)), {}),
        "config.json with a managed identity": (
            core(config(folder)),
            {**NOTHING, "MSI_ENDPOINT": f"{LOGIN}/msi/{os.environ[azure.PRINCIPAL[2]]}/token"},
        ),
        "config.json with the Azure CLI": (core(config(folder)), logged_in(folder)),
        "config.json with the Azure CLI logged out": (core(config(folder)), logged_out(folder)),
        "config.json without a login": (core(config(folder)), {**NOTHING, "PATH": ""}),
        "config.json with half a service principal": (core(config(folder)), {azure.PRINCIPAL[0]: ""}),
        "config.json of a missing workspace": (core(config(folder, workspace_name="missing")), {}),
        "config.json that is broken": (core(written(folder / "broken.json", "{")), {}),
        "config.json that names nothing": (core(written(folder / "list.json", "[1]")), {}),
        "service principal": (principal(**DEV), {}),
        "service principal with its subscription": (principal(**DEV, subscription=SUBSCRIPTION), {}),
        "service principal with a foreign subscription": (principal(**DEV, subscription="another"), {}),
        "service principal with a wrong secret": (principal(**DEV), {azure.PRINCIPAL[2]: "wrong"}),
        "service principal without its secret": (principal(**DEV), {azure.PRINCIPAL[2]: ""}),
        "service principal without a name": (core(), {}),
        "service principal of a missing workspace": (core(name="missing", group="rg-dev"), {}),
        "a run that is none": (principal(**DEV), {"AZUREML_RUN_ID": "lost"}),
        "ops: config.json": (lambda: workspace(config(folder)), {}),
        "ops: service principal": (lambda: workspace(nowhere, "PROD"), {}),
        "ops: nothing": (lambda: workspace(nowhere), NOTHING),
        "ops: unknown environment": (lambda: workspace(nowhere, "PRD"), {}),
    }
    found = {name: outcome(*attempt) for name, attempt in attempts.items()}
    print(json.dumps({**found, "run context": in_a_run(folder)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
