"""What holds for every test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CORE_SCRIPTS = [path.stem for path in (Path(__file__).parents[1] / "src").glob("*.py")]


@pytest.fixture(autouse=True)
def core_scripts_apart() -> Iterator[None]:
    """Give each test the modules of ``src`` that the test files imported.

    The engine forgets and loads them anew, as it must in a kernel that is open for hours; a class
    that a test file holds would then no longer be the one that is raised.
    """
    modules, path = {name: sys.modules.get(name) for name in CORE_SCRIPTS}, list(sys.path)
    yield
    sys.path[:] = path
    for name, module in modules.items():
        if module is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = module
