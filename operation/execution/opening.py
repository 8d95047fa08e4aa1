"""The workspace of an environment, and no other: a config.json may lead elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operation.engine.configuration import chosen_environment, environment_variables
from operation.engine.errors import UsageError
from operation.engine.layout import project
from operation.execution import utils
from operation.execution.failure import told
from operation.execution.quiet import quieten

if TYPE_CHECKING:
    from azureml.core import Workspace


def opened(environment: str | None) -> Workspace:
    """Open the workspace of an environment.

    Parameters
    ----------
    environment : str or None
        None: the operating system's variable ENVIRONMENT, else DEV.

    Raises
    ------
    UsageError
        When the credentials lead to another workspace than the environment names: what is meant for
        PROD must not go to DEV.
    CredentialsError
        When no way leads to a workspace.
    """
    quieten()
    layout = project()
    with told("credentials"):
        try:
            workspace = utils.workspace(environment=environment)
        except utils.CredentialsError as error:
            if (layout.root / "config.json").exists():
                raise
            raise utils.CredentialsError(
                f"{error}\nNo subscription? --rehearse does it on this machine."
            ) from error
    wanted = environment_variables(environment, layout)["AMLWORKSPACE"].text
    if workspace.name.lower() != wanted.lower():
        name = chosen_environment(environment, None, layout)
        raise UsageError(
            f"environment {name} has the workspace {wanted}, and the credentials lead to {workspace.name}: "
            f"remove or replace config.json, or set AMLWORKSPACE={workspace.name}."
        )
    return workspace
