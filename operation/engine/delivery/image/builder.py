"""Building an image with what is there: docker, podman or buildah."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from operation.engine.delivery.image.index import local_folders, own_settings, write_secrets
from operation.engine.foundation.errors import StepFailed, UsageError
from operation.engine.foundation.nearest import listed

BUILDERS = ("docker", "podman", "buildah")
# whether it can build here: a client without its engine cannot
WORKS = {
    "docker": ["docker", "version", "--format", "{{.Server.Version}}"],
    "podman": ["podman", "info"],
    "buildah": ["buildah", "version"],
}
SECONDS = 20.0


def find_builder(wanted: str | None = None) -> str | None:
    """Return the builder `wanted`, or the first that works here; None where none does.

    Raises
    ------
    UsageError
        When the one wanted does not work here.
    """
    for name in [wanted] if wanted else BUILDERS:
        if shutil.which(name) and _works(name):
            return name
    if wanted:
        raise UsageError(
            f"--builder: {wanted} does not work here (`{shlex.join(WORKS[wanted])}` fails): start or install "
            f"it, name another of {listed(BUILDERS)}, or give --no-build"
        )
    return None


def _works(name: str) -> bool:
    try:
        done = subprocess.run(
            WORKS[name], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def command(builder: str, context: Path, tag: str) -> list[str]:
    """Return the words that build the image, without what belongs to this machine alone."""
    words = {"docker": ["docker", "build"], "podman": ["podman", "build"], "buildah": ["buildah", "build"]}
    # the format of OCI knows no HEALTHCHECK
    kind = [] if builder == "docker" else ["--format", "docker"]
    return [*words[builder], *kind, "--tag", tag, str(context)]


def build(builder: str, context: Path, tag: str) -> None:
    """Build the image; what the builder prints is passed on.

    Parameters
    ----------
    builder : {"docker", "podman", "buildah"}
        Which one.
    context : Path
        Folder with the Dockerfile.
    tag : str
        Name of the image.

    Raises
    ------
    StepFailed
        When the builder fails.
    """
    settings = own_settings()
    *words, place = command(builder, context, tag)
    with tempfile.TemporaryDirectory() as folder:
        for name, file in write_secrets(settings, Path(folder)).items():
            words += ["--secret", f"id={name},src={file}"]
        if builder != "docker":  # docker's builder mounts no folder of this machine
            for one in local_folders(settings):
                words += ["--volume", f"{one}:{one}:ro"]
        done = subprocess.run([*words, place], stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise StepFailed(
            f"{builder} ended with code {done.returncode}: its last lines say why; what it should build is "
            f"in {context}"
        )
