"""The workspace of an environment, and no other: a config.json may lead elsewhere."""

from __future__ import annotations

import logging
import os
import warnings
from typing import TYPE_CHECKING

from operation.engine.configuration import chosen_environment, environment_variables
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import project
from operation.execution import utils
from operation.execution.failure import sdk_errors

if TYPE_CHECKING:
    from azureml.core import Workspace


# logger and beginning of messages that are left out, each with its reason
_NOISE = (
    # there is no other way to give a web service variables
    ("azureml.core.environment", "Property environment_variables is deprecated"),
    # the server that it stands for is named directly, at the version that is tested here
    ("azureml.core.model", "Warning, azureml-defaults not detected"),
    # printed for every endpoint at every access, and nothing can be done about it
    ("azureml._base_sdk_common._docstring_wrapper", "Class AksEndpoint"),
    # fetching works without one
    ("azureml._file_utils.file_utils", "requests session is not set"),
    # the next line says how to fix it
    ("azureml._model_management._util", "Failed to create Docker client"),
    # a line of ours says it
    ("azureml.train.estimator._estimator", "'Estimator' is deprecated"),
    # printed for every estimator, whatever its arguments
    ("root", "If 'script' has been provided here"),
    ("root", "If 'arguments' has been provided here"),
)


def _is_news(record: logging.LogRecord) -> bool:
    message = record.getMessage()
    return not any(record.name == name and message.startswith(beginning) for name, beginning in _NOISE)


def quieten() -> None:
    """Leave out, from now on, what nobody can act on, and that version 1 of the SDK is out of support."""
    os.environ.setdefault("AZUREML_LOG_DEPRECATION_WARNING_ENABLED", "False")
    warnings.filterwarnings("ignore", category=FutureWarning, module="azureml")
    for name, _ in _NOISE:
        logging.getLogger(name).addFilter(_is_news)  # once: a logger ignores a filter that it has


def open_workspace(environment: str | None) -> Workspace:
    """Open the workspace of an environment; raise where the credentials lead to another one."""
    quieten()
    layout = project()
    with sdk_errors("credentials"):
        try:
            workspace = utils.workspace(environment=environment)
        except utils.CredentialsError as error:
            if (layout.root / "config.json").exists():
                raise
            hint = "No subscription? Add --emulator to use the Azure ML emulator on this machine."
            raise utils.CredentialsError(f"{error}\n{hint}") from error
    wanted = environment_variables(environment, layout)["AMLWORKSPACE"].text
    if workspace.name.lower() != wanted.lower():
        name = chosen_environment(environment, None, layout)
        raise UsageError(
            f"environment {name} has the workspace {wanted}, and the credentials lead to {workspace.name}. "
            f"Remove or replace config.json, or set AMLWORKSPACE={workspace.name}."
        )
    return workspace
