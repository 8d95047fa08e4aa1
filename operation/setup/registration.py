"""Registers the engine ``workbench`` with papermill and its kernels with Jupyter, as a package would."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
from pathlib import Path

from operation.setup.checkout import Checkout

NAME = "workbench"
_VERSION = "0.2.0"
_INFO = f"{NAME}-{_VERSION}.dist-info"
_KERNEL = "share/jupyter/kernels/python-warm/kernel.json"
_ENTRY_POINTS = """[papermill.engine]
workbench = workbench_papermill:WorkbenchEngine

[jupyter_client.kernel_provisioners]
workbench = workbench_kernels:WorkbenchProvisioner
"""
_PROVISIONER = '''"""Written by the workbench's set-up: its kernels are in the checkout named here."""

import sys

ROOT = {root!r}
if ROOT not in sys.path:
    sys.path.append(ROOT)

from operation.engine.notebooks.forked.provisioner import WorkbenchProvisioner
'''
_ENGINE = '''"""Written by the workbench's set-up: its engine for papermill is in the checkout named here."""

import sys

from papermill.engines import Engine

ROOT = {root!r}


class WorkbenchEngine(Engine):
    """Finds the engine when a notebook is executed, so that importing papermill never depends on it."""

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, **options):
        if ROOT not in sys.path:
            sys.path.append(ROOT)
        from operation.engine.notebooks.forked.engine import WorkbenchEngine as Found

        Found.execute_managed_notebook(nb_man, kernel_name, **options)
'''


def ensure(checkout: Checkout) -> None:
    """Let papermill and Jupyter in the environment of `checkout` know the engine and its kernels.

    Where the environment cannot be written, or has no folder of packages, nothing is done:
    ``python3 -m operation run`` does not need it.
    """
    folder = packages(checkout)
    if folder is None or (folder / _INFO / "RECORD").is_file():
        return
    try:
        _write(folder, checkout)
    except OSError:  # read-only: see above
        return


def packages(checkout: Checkout) -> Path | None:
    """Return the folder of the environment's packages."""
    pattern = "Lib/site-packages" if os.name == "nt" else "lib/python3*/site-packages"
    return next(iter(sorted(checkout.venv.glob(pattern))), None)


def _write(folder: Path, checkout: Checkout) -> None:
    for earlier in folder.glob(f"{NAME}-*.dist-info"):
        shutil.rmtree(earlier)
    files = {
        "workbench_papermill.py": _ENGINE.format(root=str(checkout.root)),
        "workbench_kernels.py": _PROVISIONER.format(root=str(checkout.root)),
        Path(os.path.relpath(checkout.venv / _KERNEL, folder)).as_posix(): json.dumps(_kernel(), indent=1),
        _INFO + "/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {_VERSION}\n",
        _INFO + "/INSTALLER": "workbench\n",
        _INFO + "/entry_points.txt": _ENTRY_POINTS,
    }
    for name, text in files.items():
        _replace(folder / name, text)
    lines = [f"{name},sha256={_digest(text)},{len(text)}" for name, text in files.items()]
    _replace(folder / _INFO / "RECORD", "\n".join([*lines, _INFO + "/RECORD,,", ""]))


def _kernel() -> dict[str, object]:
    """Return the specification of the kernel that is forked from a process with the libraries imported."""
    return {
        "argv": ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python (warm)",
        "language": "python",
        "metadata": {"debugger": True, "kernel_provisioner": {"provisioner_name": NAME}},
    }


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_bytes(text.encode("utf-8"))
    partial.replace(path)


def _digest(text: str) -> str:
    found = hashlib.sha256(text.encode("utf-8")).digest()
    return base64.urlsafe_b64encode(found).rstrip(b"=").decode("ascii")
