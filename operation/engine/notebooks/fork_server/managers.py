"""Kernel managers for headless notebooks: whose kernels are forked, and which wait for events."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_client import kernelspec
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory

from operation.engine.foundation.masked_log import MaskedLog
from operation.engine.notebooks.fork_server.client import ForkServer
from operation.engine.notebooks.fork_server.provisioner import NAME


class PromptClient(AsyncKernelClient):
    """Is ready when the kernel has answered on both channels; the base class waits another 0.2 s."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait for the welcome of the outputs' channel, then for an answer and its outputs."""
        try:
            async with asyncio.timeout(timeout):
                while (await self.get_iopub_msg())["msg_type"] != "iopub_welcome":
                    continue
                request = self.kernel_info()
                while (await self.get_shell_msg())["parent_header"].get("msg_id") != request:
                    continue
                while not _is_idle(await self.get_iopub_msg(), request):
                    continue
        except TimeoutError:
            raise RuntimeError(f"Kernel didn't respond in {timeout:g} seconds") from None


def _is_idle(message: Mapping[str, Any], request: str) -> bool:
    mine = message["parent_header"].get("msg_id") == request
    return bool(mine and message["content"].get("execution_state") == "idle")


class ForkingSpecs(KernelSpecManager):
    """The kernels there are; those of ipykernel are given to the provisioner ``workbench``."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the kernel's specification."""
        spec = super().get_kernel_spec(kernel_name)
        mine = {"kernel_provisioner": {"provisioner_name": NAME, "config": {}}}
        if "kernel_provisioner" not in spec.metadata and "ipykernel_launcher" in spec.argv:
            own = KernelSpec(
                resource_dir=spec.resource_dir, **{**spec.to_dict(), "metadata": {**spec.metadata, **mine}}
            )
            if KernelProvisionerFactory.instance().is_provisioner_available(own):
                return own
        return spec


def forking(base: type, server: ForkServer, memory: int | None, start_timeout: float) -> type:
    """Return a manager like `base` whose kernels are forked from `server`."""

    class ForkingKernelManager(base):  # type: ignore[misc]
        fork_server = server

        def __init__(self, **options: Any) -> None:
            super().__init__(kernel_spec_manager=ForkingSpecs(kernel_dirs=_folders()), **options)
            self.memory, self.start_timeout = memory, start_timeout
            provisioner = (self.kernel_spec.metadata if self.kernel_spec else {}).get(
                "kernel_provisioner", {}
            )
            if provisioner.get("provisioner_name") == NAME and issubclass(base, AsyncKernelManager):
                self.client_factory = PromptClient
                if file := server.connection_file():
                    self.transport, self.connection_file = "ipc", str(file)

    return ForkingKernelManager


def _folders() -> list[str]:
    """Return where kernels are; by itself jupyter_client would import all of IPython to learn the last."""
    ipython = os.environ.get("IPYTHONDIR") or Path.home() / ".ipython"
    return [*kernelspec.jupyter_path("kernels"), str(Path(ipython) / "kernels")]  # type: ignore[attr-defined]


def logging_to(log: MaskedLog, variables: Mapping[str, str] | None = None) -> type:
    """Return a manager of kernels that have `variables` too, and write their own log lines to `log`."""

    class LoggingKernelManager(AsyncKernelManager):
        async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
            own = {**(options.get("env") or os.environ), **(variables or {})}
            await super().start_kernel(**{**options, "stderr": log, "env": own})

    return LoggingKernelManager
