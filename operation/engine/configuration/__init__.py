"""The only reader of ``configuration/``; what others need of it is here."""

from __future__ import annotations

from operation.engine.configuration.loading import (
    ENVIRONMENT_NAME,
    USE_CASE_NAME,
    Configuration,
    NotebookEntry,
    Step,
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
