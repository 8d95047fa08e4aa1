"""IPython without its terminal, which no notebook has: half of the time of importing it."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

_TERMINAL = "IPython.terminal.embed"


def import_ipython() -> None:
    """Import IPython; ``IPython.embed`` is imported when somebody asks for it."""
    if "IPython" in sys.modules:
        return
    stand_in: Any = ModuleType(_TERMINAL)
    stand_in.embed = None
    sys.modules[_TERMINAL] = stand_in
    try:
        ipython: Any = importlib.import_module("IPython")
    finally:
        del sys.modules[_TERMINAL]
    del ipython.embed
    ipython.__getattr__ = _late


def _late(name: str) -> Any:
    if name != "embed":
        raise AttributeError(f"module 'IPython' has no attribute {name!r}")
    ipython: Any = sys.modules["IPython"]
    ipython.embed = importlib.import_module(_TERMINAL).embed
    return ipython.embed
