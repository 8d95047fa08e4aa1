"""The Core Scripts as functions: ``core.train(learning_rate=0.1)`` runs ``src/train.py`` in this kernel.

Every step of the use case is here by its name, with the signature, help and completion that its
script's ``build_parser()`` gives it. ``core.evaluate(using=trained)`` takes a result instead of what the use
case has there, ``core.register.input("model")`` is what the use case hands to a step. ``core.serve(model)``
puts a model behind HTTP. ``core.plots`` is ``src/plotting/`` as it stands on disk.
"""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # of this checkout, whichever is installed

from operation.engine.delivery.serving.local import serve
from operation.engine.identity.loading import load_module
from operation.engine.steps.interactive import StepFunction, session, step_names, use

__all__ = ["plots", "serve", "use"]  # noqa: F822 - plots comes by __getattr__


def __getattr__(name: str) -> Any:
    if name == "plots":
        return load_module(session().layout.src / "plotting")
    if name in step_names():
        return StepFunction(name)
    raise AttributeError(f"no step '{name}' in use; there are: {', '.join(step_names())}.")


def __dir__() -> list[str]:
    return [*__all__, *step_names()]
