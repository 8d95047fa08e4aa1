"""Models behind services of an emulator, tried in one process: importing the SDK is slow.

``python deploying.py FOLDER MODEL ANOTHER ROWS TOKEN`` makes a project with two models in FOLDER and prints,
as JSON, what became of each attempt. ROWS is a file with rows as a service takes them; TOKEN has expired.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from operation.engine.delivery.serving.lookup import find_model
from operation.engine.foundation.children import environ
from operation.engine.foundation.layout import Layout
from operation.engine.identity.digests import Digests
from operation.execution import open_workspace, registered_models
from operation.execution.services import deployable_model, health_check
from tests.operation.execution.submitting import Outcome, command

CHECKOUT = Path(__file__).resolve().parents[3]
URI = "sqlite:///runs/mlflow.db"
AKS = "kind: aks\nservice: large\ncluster: aks-test\nvm-size: STANDARD_DS3_V2\nauth: token\n"
BREAK_INIT = (
    "score.py",
    "    args = arguments()",
    "    raise RuntimeError('no model for you')\n    args = arguments()",
)
BREAK_RUN = (
    "scoring/scorer.py",
    "        predictions = [dict(",
    "        raise RuntimeError('no answer for you')\n        predictions = [dict(",
)


def build(root: Path) -> Layout:
    """Copy what a deployment is made of."""
    layout = Layout(root)
    for name in ("src", "configuration", "notebooks"):
        shutil.copytree(CHECKOUT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(CHECKOUT / "requirements.lock", layout.lock)
    huge = AKS.replace("service: large", "service: huge") + "cpu-cores: 20\n"
    nowhere = "kind: aks\nservice: nowhere\ncluster: aks-tset\n"
    for name, text in {"large": AKS, "huge": huge, "nowhere": nowhere}.items():
        (layout.configuration / "deployment" / f"{name}.yml").write_text(text, encoding="utf-8")
    return layout


def champion(model: Path) -> None:
    """Register a model as the champion of the use case, on this machine."""
    from support.registered import RegisteredModel

    registry = RegisteredModel(URI, "flights")
    registry.point("champion", registry.add(model, "", {}, copy=False))


def remembered(work: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that does its work once: looking an alias up is slow, and the same each time."""
    known: list[Any] = []

    def once(*words: Any) -> Any:
        if not known:
            known.append(work(*words))
        return known[0]

    return once


@contextmanager
def broken(layout: Layout, file: str, before: str, after: str) -> Iterator[None]:
    """Put a mistake into a Core Script."""
    path = layout.src / file
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, after), encoding="utf-8")
    yield
    path.write_text(text, encoding="utf-8")


class Client:
    """Asks the services that are deployed."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.workspace = open_workspace.open_workspace("DEV")

    def asked(self, name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """Return what a service answers to rows."""
        from azureml.core.webservice import Webservice

        service = Webservice(self.workspace, name)
        answer = health_check.score(service.scoring_uri, health_check.authorization(service), rows)
        return {"status": answer.status, **json.loads(answer.text)}

    def digests(self, name: str, times: int) -> list[str]:
        """Return which models answer one row, asked again and again."""
        from azureml.core.webservice import Webservice

        service = Webservice(self.workspace, name)
        header = health_check.authorization(service)
        return [
            str(health_check.score(service.scoring_uri, header, self.rows[:1]).digest) for _ in range(times)
        ]

    def unopened(self, name: str) -> int:
        """Return the status that one without a key gets."""
        from azureml.core.webservice import Webservice

        return health_check.score(Webservice(self.workspace, name).scoring_uri, {}, self.rows[:1]).status


def with_expired(token: str, work: Callable[[], Outcome]) -> Outcome:
    """Do something with a token that has expired since the workspace was opened."""
    original = open_workspace.open_workspace

    def opened(environment: str | None) -> Any:
        workspace = original(environment)
        workspace._auth_object.get_authentication_header = lambda: {"Authorization": f"Bearer {token}"}
        return workspace

    try:
        open_workspace.open_workspace = opened
        return work()
    finally:
        open_workspace.open_workspace = original


def containers(layout: Layout, client: Client, another: Path) -> dict[str, Any]:
    """Deploy to one container."""
    found: dict[str, Any] = {}
    found["unregistered"] = command(layout, "deploy")
    found["deployed"] = fine(command(layout, "deploy", "--register"))
    found["aci"] = [client.asked("flights", part) for part in parts(client.rows, 100)]
    found["without a key"] = client.unopened("flights")
    digest = Digests(layout.runs / "digests.db").of(another).digest
    registered_models.register_folder(client.workspace, "flights", another, digest)
    with broken(layout, *BREAK_INIT):
        found["no start"] = command(layout, "deploy", "--model", "flights:2")
    with broken(layout, *BREAK_RUN):
        found["no answer"] = command(layout, "deploy", "--model", digest)
    found["old goes on"] = client.digests("flights", 1)
    found["replaced"] = command(layout, "deploy", "--model", "flights:2")
    found["new answers"] = client.digests("flights", 1)
    found["no such version"] = command(layout, "deploy", "--model", "flights:7")
    found["challenger"] = command(layout, "deploy", "--challenger", "flights:1")
    return found


def clusters(layout: Layout, client: Client) -> dict[str, Any]:
    """Deploy to an endpoint of a cluster."""
    found: dict[str, Any] = {}
    to = ("deploy", "--to", "large")
    found["nobody"] = command(layout, *to, "--traffic", "0.5")
    found["large"] = fine(command(layout, *to, "--model", "flights:1"))
    found["aks"] = [client.asked("large", client.rows)]
    found["half"] = command(layout, *to, "--challenger", "flights:2", "--traffic", "0.5")
    found["both"] = client.digests("large", 60)
    found["listed"] = command(layout, "deploy", "--list")
    started = time.monotonic()
    found["back"] = command(layout, *to, "--traffic", "0")
    found["seconds back"] = time.monotonic() - started
    found["one"] = client.digests("large", 20)
    with broken(layout, *BREAK_INIT):
        found["switched"] = command(
            layout, *to, "--model", "flights:2"
        )  # its version is there: nothing starts
    found["other"] = client.digests("large", 5)
    found["huge"] = command(layout, "deploy", "--to", "huge", "--model", "flights:1")
    found["nowhere"] = command(layout, "deploy", "--to", "nowhere", "--model", "flights:1")
    found["deleted"] = command(layout, "deploy", "--delete", "large")
    found["deleted again"] = command(layout, "deploy", "--delete", "lagre")
    return found


def fine(outcome: Outcome) -> Outcome:
    """Return an outcome that the attempts behind it need to have been good."""
    assert outcome["code"] == 0, outcome["lines"]
    return outcome


def parts(rows: list[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    """Yield rows, `size` at a time."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def main(words: list[str]) -> None:
    """Try everything, in an order in which each finds what it needs."""
    root, model, another, rows = map(Path, words[:4])
    layout, token = build(root), words[4]
    with environ({"WORKBENCH_ROOT": str(root), "ENVIRONMENT": "DEV"}):
        champion(model)
        setattr(deployable_model, "find_model", remembered(find_model))  # noqa: B010
        client = Client(json.loads(rows.read_text(encoding="utf-8")))
        found = {**containers(layout, client, another), **clusters(layout, client)}
        context = str(root / "context")
        package = ("deploy", "--package", "--model", "flights:1")
        found["packaged"] = command(layout, *package, "--dockerfile", context)
        found["packaged again"] = command(layout, *package, "--dockerfile", context)
        found["image"] = command(layout, *package)
        found["expired"] = with_expired(token, lambda: command(layout, "deploy", "--model", "flights:1"))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
