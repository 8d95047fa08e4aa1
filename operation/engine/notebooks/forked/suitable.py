"""Whether a notebook can be executed by forking, and if not, why."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_HOOKS = ("on_notebook_", "on_cell_")


def why_not(notebook: Any, kernel_name: str, options: Mapping[str, Any]) -> str | None:
    """Return what keeps a notebook from being executed by forking, None when nothing does.

    Parameters
    ----------
    notebook : NotebookNode
        As papermill loaded it.
    kernel_name : str
        The kernel that was asked for.
    options : mapping
        Options of the engine.
    """
    if sys.platform != "linux":
        return f"on {sys.platform} a process with libraries in it cannot be forked safely"
    hooks = [name for name in options if name.startswith(_HOOKS)]
    if hooks:
        return f"the option {hooks[0]} is nbclient's"
    return _other_kernel(kernel_name) or _widgets(notebook) or _profile()


def _other_kernel(name: str) -> str | None:
    """Say that `name` is not ipykernel in this Python."""
    from jupyter_client import kernelspec

    found: Any = kernelspec
    # by itself it would import all of IPython to learn the name of the last folder
    folders = [*found.jupyter_path("kernels"), str(_ipython_folder() / "kernels")]
    try:
        spec = kernelspec.KernelSpecManager(kernel_dirs=folders).get_kernel_spec(name)
    except kernelspec.NoSuchKernel:
        return f"there is no kernel '{name}' here that is known to be this Python"
    if spec.language != "python" or "ipykernel_launcher" not in spec.argv:
        return f"its kernel '{name}' is not ipykernel"
    if spec.env or not _is_this_python(spec.argv[0]):
        return f"its kernel '{name}' is another Python ({spec.argv[0]})"
    return None


def _is_this_python(program: str) -> bool:
    if program in ("python", "python3", f"python{sys.version_info[0]}.{sys.version_info[1]}"):
        return True  # jupyter_client starts its own Python for these
    found = shutil.which(program)
    return found is not None and Path(found).absolute() == Path(sys.executable).absolute()


def _widgets(notebook: Any) -> str | None:
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    used = next((one for one in ("ipywidgets", "tqdm.notebook") if any(one in text for text in code)), None)
    return f"it uses {used}, whose widgets talk to a kernel" if used else None


def _ipython_folder() -> Path:
    return Path(os.environ.get("IPYTHONDIR") or Path.home() / ".ipython")


def _profile() -> str | None:
    """Say that the user's IPython profile changes what a kernel does at its start."""
    folder = _ipython_folder() / "profile_default"
    files = [
        folder / f"{name}_config.{kind}" for name in ("ipython", "ipython_kernel") for kind in ("py", "json")
    ]
    files += [one for one in folder.glob("startup/*") if one.suffix in (".py", ".ipy")]
    found = next((one for one in files if one.is_file()), None)
    return f"{found} configures kernels" if found else None
