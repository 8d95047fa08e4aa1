"""The service as one object, and as a web application: where its state is, what it answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import Lifespan

import operation.emulator
from operation.emulator import errors, pages, tokens
from operation.emulator.hosts import Hosts, hosts
from operation.emulator.jobs.execution import Jobs
from operation.emulator.paths import file_name
from operation.emulator.state import State


@cache
def concerns() -> tuple[ModuleType, ...]:
    """Return the modules of this room that answer calls: those with ``ROUTES``."""
    room = operation.emulator
    names = [found.name for found in walk_packages(room.__path__, f"{room.__name__}.")]
    modules = [import_module(name) for name in names if not name.endswith(".server")]
    return tuple(module for module in modules if hasattr(module, "ROUTES"))


class Service:
    """What every call can reach; see the protocol."""

    def __init__(
        self, folder: Path, url: str, environment: dict[str, str], token_seconds: int = 86_400
    ) -> None:
        self.folder, self.url, self.environment = folder, url, environment
        self.token_seconds = token_seconds
        self.secret = tokens.signing_key(folder)
        self.at_end: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._states: dict[str, State] = {}
        self.jobs = Jobs(self)
        self.jobs.resume()

    def state(self, workspace: str) -> State:
        """Return the state of one workspace; its name counts in any case, as in Azure."""
        name = file_name(workspace.lower(), "a workspace")
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
        for module in concerns():
            if hasattr(module, "begin"):
                module.begin(self)

    def stop(self) -> None:
        """End what the concerns have running, and all jobs."""
        for end in self.at_end:
            end()
        self.jobs.stop()


def application(service: Service, lifespan: Lifespan[Starlette] | None = None) -> Starlette:
    """Return the web application: all routes, and a 404 that names the route for all others."""
    app = Starlette(
        lifespan=lifespan,
        routes=[*(route for module in concerns() for route in module.ROUTES), pages.emulated(concerns())],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=hosts(), www_redirect=False),
            Middleware(Hosts),
        ],
        exception_handlers={
            errors.Refused: errors.refusal,
            404: errors.unknown,
            405: errors.unknown,
            **dict.fromkeys((FileExistsError, IsADirectoryError, NotADirectoryError), errors.occupied),
            Exception: errors.defect,
        },
    )
    app.router.redirect_slashes = False
    app.state.service = service
    return app
