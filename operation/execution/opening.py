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


# its logger, how it begins, and why nobody needs to hear it
_SAID = (
    # there is no other way to tell a web service anything
    ("azureml.core.environment", "Property environment_variables is deprecated"),
    # the server that it stands for is named by itself, at the version that is tested here
    ("azureml.core.model", "Warning, azureml-defaults not detected"),
    # said of every endpoint whenever it is looked at; the SDK's support has ended, and nothing changes it
    ("azureml._base_sdk_common._docstring_wrapper", "Class AksEndpoint"),
    # what is fetched without one is fetched all the same
    ("azureml._file_utils.file_utils", "requests session is not set"),
    # what to do about it is said in the line that follows
    ("azureml._model_management._util", "Failed to create Docker client"),
    # whoever chose it is told so in a line of ours
    ("azureml.train.estimator._estimator", "'Estimator' is deprecated"),
    # the estimator says both of itself, whatever it was given
    ("root", "If 'script' has been provided here"),
    ("root", "If 'arguments' has been provided here"),
)


class _Without(logging.Filter):
    """Leaves out records that begin with `words`."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith(self.words)


def quieten() -> None:
    """Leave out, from now on, what the README says once: that version 1 of the SDK is out of support."""
    os.environ.setdefault("AZUREML_LOG_DEPRECATION_WARNING_ENABLED", "False")
    warnings.filterwarnings("ignore", category=FutureWarning, module="azureml")
    for name, words in _SAID:
        logger = logging.getLogger(name)
        if words not in {getattr(one, "words", None) for one in logger.filters}:
            logger.addFilter(_Without(words))


def opened(environment: str | None) -> Workspace:
    """Open the workspace of an environment."""
    quieten()
    layout = project()
    with sdk_errors("credentials"):
        try:
            workspace = utils.workspace(environment=environment)
        except utils.CredentialsError as error:
            if (layout.root / "config.json").exists():
                raise
            raise utils.CredentialsError(
                f"{error}\nNo subscription? --emulator does it on this machine."
            ) from error
    wanted = environment_variables(environment, layout)["AMLWORKSPACE"].text
    if workspace.name.lower() != wanted.lower():
        name = chosen_environment(environment, None, layout)
        raise UsageError(
            f"environment {name} has the workspace {wanted}, and the credentials lead to {workspace.name}: "
            f"remove or replace config.json, or set AMLWORKSPACE={workspace.name}."
        )
    return workspace
