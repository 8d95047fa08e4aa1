"""`core`, as a notebook has it."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest

from operation.engine.foundation.layout import Layout
from operation.engine.steps import interactive


@pytest.fixture
def core(tiny: Layout, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """``notebooks/core.py`` of the tiny project, in a kernel that has just started."""
    monkeypatch.setattr(interactive, "_session", None)
    spec = importlib.util.spec_from_file_location("core", tiny.notebooks / "core.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
