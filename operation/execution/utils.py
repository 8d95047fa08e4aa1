"""Credentials of an Ops Script: the three ways of a Core Script, for an environment's workspace."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from operation.engine.configuration import environment_variables
from operation.engine.foundation.errors import WorkbenchError
from operation.engine.foundation.layout import Layout, project
from operation.engine.identity.loading import sibling_imports

if TYPE_CHECKING:
    from azureml.core import Workspace


class CredentialsError(WorkbenchError):
    """None of the three ways opened the workspace."""

    exit_code = 2


def workspace(config: Path | None = None, environment: str | None = None) -> Workspace:
    """Open the workspace: ``config.json``, else the run context, else a service principal."""
    layout = project()
    variables = environment_variables(environment, layout)
    subscription = variables["SUBSCRIPTION_ID"].text if "SUBSCRIPTION_ID" in variables else None
    core = _core_utils(layout)
    try:
        opened: Workspace = core.workspace(
            config or layout.root / "config.json",
            variables["AMLWORKSPACE"].text,
            variables["RESOURCE_GROUP"].text,
            subscription or os.environ.get("SUBSCRIPTION_ID"),
        )
    except core.StepError as error:
        raise CredentialsError(str(error)) from error
    return opened


def _core_utils(layout: Layout) -> ModuleType:
    """Return src/utils.py under a name of its own, so that ``src`` stays off the path of imports."""
    spec = importlib.util.spec_from_file_location("core_utils", layout.src / "utils.py")
    if spec is None or spec.loader is None:
        raise CredentialsError(f"cannot load {layout.relative(layout.src / 'utils.py')}")
    module = importlib.util.module_from_spec(spec)
    with sibling_imports(layout.src):
        spec.loader.exec_module(module)
    return module
