"""The parameters that a notebook is given, the same for every contender."""

from __future__ import annotations

from operation.engine.configuration import Configuration
from operation.engine.layout import Layout
from operation.engine.notebooks.parameters import read_parameters


def given(layout: Layout, configured: Configuration, name: str) -> dict[str, object]:
    """Return what `run` gives the notebook `name`: its configured parameters, use case and environment."""
    takes = read_parameters(layout.notebooks / f"{name}.ipynb")
    choice = {"use_case": configured.use_case, "environment": configured.environment}
    configured_ones = next((one.parameters for one in configured.notebooks if one.name == name), {})
    return {**{key: value for key, value in choice.items() if key in takes}, **configured_ones}
