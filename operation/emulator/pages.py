"""The pages for people: workspaces, runs with logs and metrics, models."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import yaml

from operation.emulator.history import artifacts, runs
from operation.emulator.http import Call, HttpError, Reply, ServiceRoute, route
from operation.emulator.state import State
from operation.emulator.tokens import check, is_client_secret, token

if TYPE_CHECKING:
    from jinja2 import Environment

_HTML = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}
_COOKIE = "emulator"


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader

    loader = FileSystemLoader(Path(__file__).parent / "templates")
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True)
    # the very style of the reports, read from where it is kept
    style = Path(__file__).parents[1] / "engine" / "evidence" / "reports" / "templates" / "page.css"
    environment.globals["style"] = style.read_text(encoding="utf-8")
    environment.filters["seconds"] = _seconds
    environment.filters["figure"] = _figure
    return environment


def _seconds(run: dict[str, Any]) -> str:
    """Return how long a run took, or takes by now."""
    from datetime import UTC, datetime

    if not run["startTimeUtc"]:
        return ""
    began = datetime.fromisoformat(run["startTimeUtc"])
    ended = datetime.fromisoformat(run["endTimeUtc"]) if run["endTimeUtc"] else datetime.now(UTC)
    return f"{(ended - began).total_seconds():.1f} s"


def _figure(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def page(name: str, **content: object) -> Reply:
    """Return a template filled with `content` as a page."""
    return Reply(_templates().get_template(f"{name}.html").render(**content), headers=_HTML)


def values(state: State, run_id: str) -> dict[str, list[Any]]:
    """Return what a run logged, by metric: the values in order, a row as a dictionary."""
    logged = state.get("metrics", run_id) or {}
    return {
        name: [
            entry["data"].get(name, entry["data"])
            for entry in metric["value"]
            if isinstance(entry.get("data"), dict)
        ]
        for name, metric in logged.items()
    }


def _for_people(path: str, answer: Callable[[Call], Reply]) -> ServiceRoute:
    """Return the route of a page: for those with a token, or with the cookie that the key is changed into."""

    def checked(call: Call) -> Reply:
        if is_client_secret(call.service.secret, call.query.get("key", "")):
            granted = token(call.service.secret, "pages", call.service.token_seconds, call.service.url)
            cookie = f"{_COOKIE}={granted}; Path=/; Secure; HttpOnly; SameSite=Lax"
            return Reply(None, 302, {"location": "/", "set-cookie": cookie})
        cookie = f"Bearer {call.cookies.get(_COOKIE, '')}"
        try:
            check(call.service.secret, call.headers.get("authorization") or cookie, "pages")
        except HttpError:
            return replace(page("locked"), status=401)
        return answer(call)

    return route("GET", path, checked, public=True)


def _state(call: Call) -> State:
    name = call.path["workspace"]
    if name.lower() not in call.service.workspaces():
        raise HttpError(f"There is no workspace {name}: the first call creates it", "ResourceNotFound", 404)
    return call.service.state(name)


def _home(call: Call) -> Reply:
    workspaces = []
    for name in call.service.workspaces():
        state = call.service.state(name)
        all_runs = state.all("runs")
        counted = {word: sum(run["status"] == word for run in all_runs) for word in runs.ENDED}
        display_name = (state.get("workspace", "workspace") or {}).get("name", name)
        counts = {"runs": len(all_runs), "models": len(state.all("models")), "counted": counted}
        workspaces.append(
            {"name": display_name, **counts, "last": all_runs[-1]["createdUtc"] if all_runs else ""}
        )
    return page("home", workspaces=workspaces, folder=call.service.folder, variables=call.service.environment)


def _workspace(call: Call) -> Reply:
    state = _state(call)
    all_runs = state.all("runs")[::-1]
    logged = {run["runId"]: values(state, run["runId"]) for run in all_runs}
    models = sorted(state.all("models"), key=lambda model: (str(model.get("name")), -int(model["version"])))
    return page("workspace", workspace=call.path["workspace"], runs=all_runs, metrics=logged, models=models)


def _run(call: Call) -> Reply:
    state = _state(call)
    run = runs.known_run(state, call.path["run"])
    container = run["dataContainerId"]
    paths = artifacts.paths(call.service, call.workspace, "ExperimentRun", container)
    logs = {}
    for path in paths:
        if path.startswith(runs.LOGS):
            text = artifacts.read(call.service, call.workspace, "ExperimentRun", container, path) or b""
            logs[path] = text[-100_000:].decode("utf-8", "replace")
    children = state.where("runs", parentRunId=run["runId"])
    content = {"run": run, "metrics": values(state, run["runId"]), "logs": logs, "children": children}
    files = [path for path in paths if path not in logs]
    return page("run", workspace=call.path["workspace"], files=files, **content)


def _artifact(call: Call) -> Reply:
    run = runs.known_run(_state(call), call.path["run"])
    container, path = run["dataContainerId"], call.path["path"]
    content = artifacts.read(call.service, call.workspace, "ExperimentRun", container, path)
    if content is None:
        raise HttpError(f"run {run['runId']} has no file {path}", status=404)
    return Reply(content, headers={"content-type": "application/octet-stream"})


def _portal(call: Call) -> Reply:
    """Lead the address that the SDK prints for a run to the run's page."""
    for name in call.service.workspaces():
        if call.service.state(name).get("runs", call.path["run"]):
            return Reply(None, 302, {"location": f"/workspaces/{name}/runs/{call.path['run']}"})
    raise HttpError(f"Run {call.path['run']} was not found", status=404)


@cache
def areas() -> dict[str, dict[str, Any]]:
    """Return what works and what differs, by folder of this room."""
    text = Path(__file__).with_name("faithfulness.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def emulated(modules: Iterable[ModuleType]) -> ServiceRoute:
    """Return the page that lists what is emulated, how faithfully, and every route of `modules`."""
    sections = [
        {
            "name": name,
            **area,
            "concerns": [_concern(module) for module in modules if area_of(module) == name],
        }
        for name, area in areas().items()
    ]
    return _for_people("/emulated", lambda _: page("emulated", areas=sections))


def area_of(module: ModuleType) -> str:
    """Return the folder of this room that a module is in."""
    return module.__name__.removeprefix(f"{__package__}.").partition(".")[0]


def _concern(module: ModuleType) -> dict[str, Any]:
    routes = [(" ".join(sorted(route.methods)), route.path, route.public) for route in module.ROUTES]
    return {"title": str(module.__doc__).partition("\n")[0], "routes": routes}


ROUTES = [
    _for_people("/", _home),
    _for_people("/workspaces/{workspace}", _workspace),
    _for_people("/workspaces/{workspace}/runs/{run}", _run),
    _for_people("/workspaces/{workspace}/runs/{run}/files/{path:path}", _artifact),
    _for_people("/runs/{run}", _portal),
    _for_people("/experiments/{experiment}/runs/{run}", _portal),
]
