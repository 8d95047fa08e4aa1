"""Images that are really built: Debian's buildah, as root, on a base that Debian's own packages make."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[5]
BASE_VARIABLE = "WORKBENCH_TEST_BASE"  # an image with Python 3.11 and venv, where a registry can be reached
BASE = "localhost/workbench-test-base:1"


@dataclass(frozen=True)
class Builder:
    """buildah with a store of its own.

    Parameters
    ----------
    folder : Path
        Of the store.
    driver : {"overlay", "vfs"}
        How it keeps layers: the second works everywhere, and copies all of them again and again.
    """

    folder: Path
    driver: str = "overlay"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead buildah to the store."""
        return {
            **os.environ,
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
            "STORAGE_DRIVER": self.driver,
            "BUILDAH_ISOLATION": "chroot",  # no container engine, no namespaces of users
            "BUILDAH_LAYERS": "true",  # the second image is made from the first one's packages
        }

    def run(self, *words: object) -> str:
        """Return what ``buildah words...`` prints."""
        done = subprocess.run(
            ["buildah", *map(str, words)],
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def package(self, *words: object, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run ``python3 -m operation package`` with the builder."""
        command = [sys.executable, "-X", "workbench", "-m", "operation", "package", *map(str, words)]
        done = subprocess.run(
            [*command, "--builder", "buildah"],
            cwd=ROOT,
            env={**self.environment, "WORKBENCH_RUNS": str(self.folder / "runs"), **variables},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
        return done

    def config(self, image: str) -> dict[str, Any]:
        """Return what an image says of itself: User, Entrypoint, Labels, Healthcheck, ..."""
        return dict(self.document(image)["Docker"]["config"])

    def document(self, image: str) -> dict[str, Any]:
        """Return all that is known of an image: its configuration, history and layers."""
        return dict(json.loads(self.run("inspect", "--type", "image", image)))

    def remove(self) -> None:
        """Remove the store with all that is in it."""
        for words in (["rm", "--all"], ["rmi", "--all", "--force"]):
            subprocess.run(["buildah", *words], env=self.environment, capture_output=True, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


def require_builder() -> None:
    """Skip the test where no image can be built; in CI fail, unless it is no system for it at all."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("images are built by root, on Linux")
    missing = [name for name in ("buildah", "mmdebstrap") if not shutil.which(name)]
    if missing:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            f"not installed: {' and '.join(missing)}"
        )


def new_builder(folder: Path) -> Builder:
    """Return a builder with an empty store in `folder`."""
    folder.mkdir()
    for driver in ("overlay", "vfs"):
        builder = Builder(folder, driver)
        places = f'graphroot = "{folder / "store"}"\nrunroot = "{folder / "run"}"\n'
        (folder / "storage.conf").write_text(f'[storage]\ndriver = "{driver}"\n{places}', encoding="utf-8")
        done = subprocess.run(
            ["buildah", "info"], env=builder.environment, capture_output=True, encoding="utf-8", check=False
        )
        if done.returncode == 0:
            return builder
    raise AssertionError(done.stderr)


def build_base(builder: Builder) -> str:
    """Return the name of the base image; it is made unless the environment names one."""
    if named := os.environ.get(BASE_VARIABLE):
        return named
    place = builder.folder / "base"
    place.mkdir()
    words = ["mmdebstrap", "--quiet", "--variant=minbase", "--include=python3,python3-venv", "bookworm"]
    done = subprocess.run(
        [*words, str(place / "base.tar")], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    (place / "Dockerfile").write_text("FROM scratch\nADD base.tar /\n", encoding="utf-8")
    builder.run("build", "--quiet", "--tag", BASE, place)
    shutil.rmtree(place)
    return BASE
