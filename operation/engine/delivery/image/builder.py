"""Building an image with docker, podman or buildah; where packages come from reaches it as secrets alone."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from operation.engine.foundation.errors import StepFailed, UsageError
from operation.engine.foundation.nearest import listed
from operation.setup.indexes import local_folder, pip_settings

# the command that fails where a builder cannot build: a client without its engine, for instance
BUILDERS = {
    "docker": ["docker", "version", "--format", "{{.Server.Version}}"],
    "podman": ["podman", "info"],
    "buildah": ["buildah", "version"],
}
SECONDS = 20.0
_INDEXES = ("index-url", "extra-index-url", "find-links")
_PIP_OPTIONS = (*_INDEXES, "trusted-host", "proxy", "timeout", "default-timeout", "no-index")
_CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def find_builder(requested: str | None = None) -> str | None:
    """Return the builder `requested`, or the first that works here; None where none does.

    Raises
    ------
    UsageError
        When the one requested does not work here.
    """
    for name in [requested] if requested else BUILDERS:
        if shutil.which(name) and _works(name):
            return name
    if requested:
        raise UsageError(
            f"--builder: {requested} does not work here (`{shlex.join(BUILDERS[requested])}` fails). Start "
            f"or install it, name another of {listed(BUILDERS)}, or give --no-build."
        )
    return None


def _works(name: str) -> bool:
    try:
        done = subprocess.run(
            BUILDERS[name], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def command(builder: str, context: Path, tag: str) -> list[str]:
    """Return the command line that builds the image, without what belongs to this machine alone."""
    # the format of OCI knows no HEALTHCHECK
    kind = [] if builder == "docker" else ["--format", "docker"]
    return [builder, "build", *kind, "--tag", tag, str(context)]


def build(builder: str, context: Path, tag: str) -> None:
    """Build the image `tag` from the folder `context`; what the builder prints is passed on.

    Raises
    ------
    StepFailed
        When the builder fails.
    """
    settings = own_settings()
    *words, folder = command(builder, context, tag)
    with tempfile.TemporaryDirectory() as secrets:
        for name, file in write_secrets(settings, Path(secrets)).items():
            words += ["--secret", f"id={name},src={file}"]
        if builder != "docker":  # docker's builder mounts no folder of this machine
            for local in local_folders(settings):
                words += ["--volume", f"{local}:{local}:ro"]
        done = subprocess.run([*words, folder], stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise StepFailed(
            f"{builder} ended with code {done.returncode}. Its last lines say why. "
            f"The build context is {context}"
        )


def own_settings() -> dict[str, str]:
    """Return pip's settings on this machine; its certificates are those of any client where pip has none."""
    settings = pip_settings(Path(sys.executable))
    files = [settings.get("cert"), *(os.environ.get(name) for name in _CERTIFICATES)]
    certificates = next((file for file in files if file), None)
    return {**settings, "cert": certificates} if certificates else settings


def write_secrets(settings: Mapping[str, str], folder: Path) -> dict[str, Path]:
    """Write the files that the Dockerfile mounts as secrets; return them by their ids."""
    lines = [f"{name} = {' '.join(settings[name].split())}" for name in _PIP_OPTIONS if settings.get(name)]
    secrets = {"pip.conf": folder / "pip.conf"}
    secrets["pip.conf"].write_text("\n".join(["[global]", *lines, ""]), encoding="utf-8")
    secrets["pip.conf"].chmod(0o600)
    if certificates := settings.get("cert"):
        secrets["ca.pem"] = Path(certificates)
    return secrets


def local_folders(settings: Mapping[str, str]) -> list[Path]:
    """Return the folders of this machine that the settings name: a builder has to mount them."""
    folders = set()
    for option in _INDEXES:
        for address in settings.get(option, "").split():
            folder = local_folder(address)
            if folder and folder.is_dir():
                # an index is a folder of pages whose links lead to files beside it
                folders.add(folder if option == "find-links" else folder.parent)
    return sorted(folders)
