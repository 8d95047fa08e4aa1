"""The packages of remote compute: ``configuration/environments/<name>.yml`` as an Environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operation.engine.errors import UsageError
from operation.engine.keys import python_version
from operation.engine.layout import Layout
from operation.engine.nearest import did_you_mean, listed

if TYPE_CHECKING:
    from azureml.core import Environment, Workspace


def environment(layout: Layout, name: str) -> Environment:
    """Return the environment that ``configuration/environments/<name>.yml`` describes.

    Its versions are those of ``environment.yml``: a test holds the two files together.

    Raises
    ------
    UsageError
        When there is no such file; names the nearest.
    """
    from azureml.core import Environment
    from azureml.core.conda_dependencies import CondaDependencies

    folder = layout.configuration / "environments"
    known = sorted(file.stem for file in folder.glob("*.yml"))
    if name not in known:
        file = f"configuration/environments/{name}.yml"
        hint = did_you_mean(name, known)
        raise UsageError(
            f"unknown environment of packages '{name}': there is no {file}.{hint} "
            f"Known: {listed(known, 'and')}."
        )
    packages = CondaDependencies(str(folder / f"{name}.yml"))
    packages.set_python_version(python_version())  # to the letter: a step's key holds it
    made = Environment(str(packages.as_dict().get("name", name)))
    made.python.conda_dependencies = packages
    return made


def register(workspace: Workspace, layout: Layout, name: str) -> Environment:
    """Register the environment `name`; the workspace makes a new version only where something differs."""
    return environment(layout, name).register(workspace)
