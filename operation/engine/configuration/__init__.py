"""The only reader of ``configuration/``; what others need of it is here.

What reads and checks files is imported when it is first used: a notebook in a run needs none of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from operation.engine.configuration.resolved import Configuration, NotebookEntry, Step

if TYPE_CHECKING:
    from operation.engine.configuration.loading import (
        ENVIRONMENT_NAME,
        USE_CASE_NAME,
        chosen_environment,
        configuration_file,
        configured_names,
        environment_variables,
        environments,
        examine,
        load,
        use_cases,
    )

__all__ = [
    "ENVIRONMENT_NAME",
    "USE_CASE_NAME",
    "Configuration",
    "NotebookEntry",
    "Step",
    "chosen_environment",
    "configuration_file",
    "configured_names",
    "environment_variables",
    "environments",
    "examine",
    "load",
    "use_cases",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module("operation.engine.configuration.loading"), name)
