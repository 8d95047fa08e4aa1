"""The service as one object: where its state is, where it answers, what it knows how to answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from operation.rehearsal import pages
from operation.rehearsal.access import auth, telemetry, workspace
from operation.rehearsal.assets import compute, datasets, datastores, environments, keyvault, models
from operation.rehearsal.automl import automl
from operation.rehearsal.history import artifacts, blobs, experiments, history, metrics
from operation.rehearsal.history.naming import Hosts
from operation.rehearsal.http import Refused, refusal
from operation.rehearsal.jobs import execution_routes, hyperdrive, snapshots
from operation.rehearsal.jobs.execution import Jobs
from operation.rehearsal.mlflow import mlflow_experiments, mlflow_logged, mlflow_models, mlflow_runs
from operation.rehearsal.pipelines import (
    pipeline_drafts,
    pipeline_endpoints,
    pipeline_modules,
    pipeline_runs,
    pipelines,
    published,
    schedules,
)
from operation.rehearsal.services import deployment, front, operations, packages
from operation.rehearsal.state import State

if TYPE_CHECKING:
    from operation.rehearsal.http import Call

MODULES = (
    auth,
    workspace,
    experiments,
    history,
    metrics,
    artifacts,
    blobs,
    snapshots,
    execution_routes,
    pages,
    keyvault,
    datastores,
    datasets,
    environments,
    compute,
    models,
    pipelines,
    pipeline_modules,
    pipeline_drafts,
    pipeline_runs,
    published,
    pipeline_endpoints,
    schedules,
    automl,
    hyperdrive,
    mlflow_experiments,
    mlflow_runs,
    mlflow_logged,
    mlflow_models,
    operations,
    deployment,
    front,
    packages,
    telemetry,
)


class Service:
    """What every call can reach.

    Parameters
    ----------
    folder : Path
        Where everything is kept.
    url : str
        Where it answers, without a slash at the end.
    environment : dict[str, str]
        The variables that lead the SDK in another process here.
    token_seconds : int
        How long a token is good.
    """

    def __init__(
        self, folder: Path, url: str, environment: dict[str, str], token_seconds: int = 86_400
    ) -> None:
        self.folder, self.url, self.environment = folder, url, environment
        self.token_seconds = token_seconds
        self.secret = auth.secret(folder)
        self._lock = threading.Lock()
        self._states: dict[str, State] = {}
        self.jobs = Jobs(self)
        self.jobs.resume()
        self.at_end: list[Callable[[], None]] = []

    def state(self, workspace: str) -> State:
        """Return the state of one workspace; its name counts in any case, as in Azure."""
        name = workspace.lower()
        with self._lock:
            if name not in self._states:
                self._states[name] = State(self.folder / "workspaces" / name)
            return self._states[name]

    def workspaces(self) -> list[str]:
        """Return the names of the workspaces that have any state."""
        folders = (self.folder / "workspaces").glob("*/")
        return sorted(folder.name for folder in folders)

    def begin(self) -> None:
        """Let the concerns that do something on their own begin."""
        for module in MODULES:
            if hasattr(module, "begin"):
                module.begin(self)

    def stop(self) -> None:
        """End what the concerns have running, and all jobs."""
        for end in self.at_end:
            end()
        self.jobs.stop()

    def authorize(self, call: Call) -> None:
        """Raise `Refused` 401 unless the call carries a token of ours that is still good."""
        auth.check(self.secret, call.headers.get("authorization", ""))


def application(service: Service) -> Hosts:
    """Return the web application: all routes, and a 404 that names the route for all others."""
    app = Starlette(routes=[route for module in MODULES for route in module.ROUTES])
    app.router.redirect_slashes = False
    app.state.service = service
    app.add_exception_handler(404, _unknown)
    app.add_exception_handler(405, _unknown)
    return Hosts(app)


async def _unknown(request: Request, _: Exception) -> Response:
    message = f"the rehearsal has no answer to {request.method} {request.url.path}"
    return refusal(Refused(404, "RouteNotFound", message))
