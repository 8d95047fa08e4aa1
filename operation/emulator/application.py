"""The web application: all routes of the concerns, and errors as Azure writes them."""

from functools import cache
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import Lifespan

import operation.emulator
from operation.emulator import errors, pages
from operation.emulator.hosts import Hosts, hosts
from operation.emulator.jobs.execution import Jobs
from operation.emulator.service import Service


@cache
def concerns() -> tuple[ModuleType, ...]:
    """Return the modules of this room that answer calls: those with ``ROUTES``."""
    room = operation.emulator
    names = [module.name for module in walk_packages(room.__path__, f"{room.__name__}.")]
    modules = [import_module(name) for name in names if not name.endswith(".server")]
    return tuple(module for module in modules if hasattr(module, "ROUTES"))


def begin(service: Service) -> None:
    """Resume what the service before this one had running, the jobs first: others wait for them."""
    service.part(Jobs)
    for module in concerns():
        if hasattr(module, "begin"):
            module.begin(service)


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
            errors.HttpError: errors.refusal,
            404: errors.unknown,
            405: errors.unknown,
            **dict.fromkeys((FileExistsError, IsADirectoryError, NotADirectoryError), errors.occupied),
            Exception: errors.defect,
        },
    )
    app.router.redirect_slashes = False
    app.state.service = service
    return app
