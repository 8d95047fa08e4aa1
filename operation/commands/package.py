"""The command ``package``: an image that answers requests with a model."""

import argparse
import re
import shlex
from pathlib import Path

from operation.commands.options import add_choice, add_model
from operation.commands.serve import model_words
from operation.engine.delivery.image.builder import BUILDERS, build, command, find_builder
from operation.engine.delivery.image.context import Recipe, read_manifest, write_context
from operation.engine.delivery.image.dockerfile import BASE
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout, project

TAG = re.compile(r"[a-z0-9][a-z0-9._/:-]*(@sha256:[0-9a-f]{64})?")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``package``."""
    parser.description = (
        "Write the build context of an image of the scoring service into runs/packages/, and build it with "
        "docker, podman or buildah if one is installed. The model goes into the image, or the container "
        "fetches it from an MLflow tracking server when it starts. The build uses the package index and the "
        "certificates of pip on this machine; no layer contains them."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation package\n"
        "  python3 -m operation package --model runs/store/<key>/model --tag scoring:3\n"
        "  python3 -m operation package --model-at-start --model champion"
    )
    add = parser.add_argument
    add_model(parser)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--model-in-image", action="store_true", help="the image holds the model (default)")
    where.add_argument(
        "--model-at-start", action="store_true", help="the container fetches it from MLFLOW_TRACKING_URI"
    )
    add_choice(parser)
    add(
        "--base",
        default=BASE,
        metavar="IMAGE",
        help="base image with Python 3.11 and venv (default: %(default)s)",
    )
    add("--tag", metavar="NAME", help="name of the image (default: workbench-<use case's model>)")
    add(
        "--into",
        type=Path,
        metavar="FOLDER",
        help="folder for the build context (default: runs/packages/<key>)",
    )
    add(
        "--scored-log",
        action="store_true",
        help="include what writes the log of scored rows as Parquet (150 MB)",
    )
    add("--no-build", action="store_true", help="only write the build context")
    add("--builder", choices=BUILDERS, help="program that builds (default: the first that works here)")


def run(args: argparse.Namespace) -> int:
    """Write the build context, and build it if there is a builder."""
    layout = project()
    check_names(args.base, args.tag)
    builder = None if args.no_build else find_builder(args.builder)
    recipe = fetching(args, layout) if args.model_at_start else holding(args, layout)
    folder = write_context(layout, recipe, args.into)
    tag = args.tag or default_tag(recipe)
    print(f"{description(folder)} is written to {layout.relative(folder)}", flush=True)
    if "@sha256:" not in args.base:
        print(
            f"{args.base} is a tag, which may move: the Dockerfile says how to pin the base by its digest",
            flush=True,
        )
    if builder is None:
        build_command = shlex.join(command("docker", folder, tag))
        print(f"build it with docker, podman or buildah: {build_command}")
        return 0
    print(f"building {tag} with {builder}; the first build installs packages and takes minutes", flush=True)
    build(builder, folder, tag)
    print(f"{tag} is built; start it: {shlex.join(start_words(builder, tag, recipe))}")
    return 0


def check_names(base: str, tag: str | None) -> None:
    """Raise a UsageError for names that no builder would take."""
    for option, name in (("--base", base), ("--tag", tag)):
        if name is not None and not TAG.fullmatch(name):
            raise UsageError(
                f"{option}: {name!r} is no valid image name. Use lower-case letters, digits and ._-/, and "
                "optionally :<tag>, such as scoring:3"
            )


def holding(args: argparse.Namespace, layout: Layout) -> Recipe:
    """Return the recipe of an image that holds its model."""
    from operation.engine.delivery.serving.lookup import find_model

    model = find_model(layout, model_words("--model", args.model, args, layout))
    variables = {"SCORE_MODEL": "/model", "SCORE_DIGEST": model.digest}
    if model.name and model.version:
        variables |= {"SCORE_MODEL_NAME": model.name, "SCORE_MODEL_VERSION": model.version}
    return Recipe(args.base, model, variables, args.scored_log)


def fetching(args: argparse.Namespace, layout: Layout) -> Recipe:
    """Return the recipe of an image that fetches its model when it starts.

    Raises
    ------
    UsageError
        When `--model` is a folder: there is nothing to fetch.
    """
    from operation.engine.delivery.serving.lookup import registry_arguments

    if Path(args.model).exists() or "/" in args.model:
        raise UsageError(
            f"--model: {args.model} is a folder, and --model-at-start fetches an alias such as champion from "
            "a registry. Use --model-in-image, or name an alias"
        )
    named = dict(zip(*[iter(registry_arguments(layout, args.environment, args.use_case))] * 2, strict=True))
    variables = {"SCORE_MODEL": f"models:/{named['--name']}@{args.model}"}
    if named["--tracking-uri"].startswith(("http://", "https://")):
        variables["MLFLOW_TRACKING_URI"] = without_password(named["--tracking-uri"])
    return Recipe(args.base, None, variables, args.scored_log)


def without_password(uri: str) -> str:
    """Return the address without a user and password: an image keeps no secret."""
    scheme, _, rest = uri.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def default_tag(recipe: Recipe) -> str:
    """Return the default name of an image."""
    name = recipe.variables.get("SCORE_MODEL_NAME") or "scoring"
    if not recipe.model:
        name = recipe.variables["SCORE_MODEL"].removeprefix("models:/").partition("@")[0]
    version = recipe.variables.get("SCORE_MODEL_VERSION")
    safe = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "scoring"
    last = version or (recipe.model.digest[:12] if recipe.model else "at-start")
    return f"workbench-{safe}:{last}"


def start_words(builder: str, tag: str, recipe: Recipe) -> list[str]:
    """Return the words that start a container of the image."""
    program = "docker" if builder == "docker" else "podman"
    words = [program, "run", "--read-only", "--tmpfs", "/tmp", "--publish", "127.0.0.1:5001:5001"]  # noqa: S108
    words += ["--volume", "./keys.txt:/keys.txt:ro", "--env", "SCORE_KEY_FILE=/keys.txt"]
    if not recipe.model and "MLFLOW_TRACKING_URI" not in recipe.variables:
        words += ["--env", "MLFLOW_TRACKING_URI=https://mlflow.example.com"]
    return [*words, tag]


def description(folder: Path) -> str:
    """Return what a build context holds, in a few words."""
    manifest = read_manifest(folder)
    model = manifest["model"]
    if not model:
        return f"An image that fetches {manifest['variables']['SCORE_MODEL']} when it starts"
    name = f"{model['name']} version {model['version']}" if model["name"] else "a model"
    return f"An image with {name} ({model['digest'][:12]})"
