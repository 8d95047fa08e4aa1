"""A model with its script as an image of the workspace's registry, or as what such an image is built from."""

from __future__ import annotations

import time
from pathlib import Path

from operation.execution.logs import pause
from operation.execution.services.order import DeploymentFailed, Order

WAITING = frozenset({"NotStarted", "Running"})


def package(order: Order, folder: Path | None) -> str:
    """Package the model with Azure ML's server, and return where the package is.

    Parameters
    ----------
    folder : Path or None
        Where the Dockerfile and its context go, a folder that is made; None: Azure builds the image.

    Raises
    ------
    DeploymentFailed
        When Azure did not build it.
    """
    from azureml.core import Model

    made = Model.package(
        order.workspace,
        order.models(),
        order.inference(),
        generate_dockerfile=folder is not None,
        image_name=order.service,
        image_label=order.chosen.digest[:12],
    )
    started = time.monotonic()
    while made.state in WAITING:
        pause(started)
        made.update_creation_state()
    if made.state != "Succeeded":
        said = (made.error or {}).get("message") or f"the operation ended as {made.state}"
        raise DeploymentFailed(f"the package of {order.chosen} was not made: {said}")
    if folder is None:
        return str(made.location)
    made.save(str(folder))
    return str(folder)
