"""The Azure ML run that a step is part of, and one message where Azure gives nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from support.errors import StepError

if TYPE_CHECKING:
    from azureml.core import Run

Answer = TypeVar("Answer")
PRINCIPAL = (
    "AZUREML_SERVICE_PRINCIPAL_TENANT_ID",
    "AZUREML_SERVICE_PRINCIPAL_ID",
    "AZUREML_SERVICE_PRINCIPAL_PASSWORD",
)


def ask(question: Callable[[], Answer], what: str) -> Answer:
    """Return what `question` gives, or say in one line, without the secret, why Azure gave nothing."""
    from azure.core.exceptions import AzureError
    from azureml.exceptions import AzureMLException

    try:
        return question()
    except (AzureMLException, AzureError, OSError, ValueError) as error:
        said = " ".join(str(getattr(error, "message", None) or error).split())
        secret = os.environ.get(PRINCIPAL[-1])
        raise StepError(f"{what}: {said.replace(secret, '***') if secret else said}") from error


def run() -> Run:
    """Return the Azure ML run of this process."""
    from azureml.core import Run

    return Run.get_context(allow_offline=False)
