"""Promote: a registered model, byte by byte, to the registry of the next environment; or roll back there."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelling import models
from support import champion, promotion, step
from support.ledger import Entry
from support.registered import LINEAGE, RegisteredModel


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Promote a registered model by its digest, or roll back.")
    add = parser.add_argument
    add("--rollback", action="store_true", help="bring the last accepted model before the champion back")
    add("--source-uri", help="MLflow store to promote from, e.g. sqlite:///runs/mlflow.db")
    add("--source-name", help="name of the model there (default: --name)")
    add("--source-environment", help="environment whose gate must have accepted the model, e.g. DEV")
    add("--digest", type=step.whole_digest, help="SHA-256 of the model (default: the champion's)")
    add("--tracking-uri", required=True, help="MLflow store to promote to, or to roll back in")
    add("--name", required=True, help="name of the model there")
    add("--environment", required=True, help="environment that it serves, e.g. TEST")
    add("--ledger", type=Path, required=True, help="file with what is decided about models")
    add("--lock", help="digest of the packages locked here: a model trained with others is refused")
    add("--override", metavar="REASON", help="promote in spite of a refusal; the ledger keeps the reason")
    add("--reason", help="why it is rolled back, for the ledger")
    add("--time", help="time of the entry, ISO 8601 with its zone (default: now)")
    add("--promotion", type=step.output_path, required=True, help="output folder: promotion.json")
    return parser


def promote(args: argparse.Namespace) -> Entry:
    """Copy a model into another registry and make it the champion there; return the entry of the ledger.

    Raises
    ------
    StepError
        When it must not be promoted, its bytes are not those that were trained, or somebody else was faster.
    """
    source = RegisteredModel(args.source_uri, args.source_name or args.name)
    if (source.uri, source.name) == (args.tracking_uri, args.name):
        raise step.StepError(
            f"{args.source_environment} and {args.environment} have one registry, {source.uri}: give each "
            "its own tracking-uri, or a name of its own, in the configuration"
        )
    version = _find(source, args.digest)
    digest, tags = str(version.tags["digest"]), _kept(version.tags)
    registry, target = _target(args)
    leaving = champion.Place(args.ledger, args.source_environment, source.name)
    tags |= {"promoted_from": f"{leaving.environment}:{version.version}"}
    return promotion.promote(
        leaving,
        target,
        registry,
        promotion.Model(digest, version.tags),
        lambda: copy(source, version, registry, tags),
        lock=args.lock,
        override=args.override,
    )


def _target(args: argparse.Namespace) -> tuple[RegisteredModel, champion.Place]:
    registry = RegisteredModel(args.tracking_uri, args.name)
    return registry, champion.Place(args.ledger, args.environment, args.name, args.time)


def _find(source: RegisteredModel, digest: str | None) -> Any:
    version = source.find(digest) if digest else source.aliased(champion.CHAMPION)
    if version is None or not version.tags.get("digest"):
        what = f"version with the digest {digest[:12]}" if digest else "champion with a digest"
        raise step.StepError(
            f"{source.uri} has no {what} of {source.name!r}: run register, or name another digest"
        )
    return version


def _kept(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that go with the model: where it comes from, what it is and its metrics."""
    names = (*LINEAGE, "task", "estimator")
    return {name: value for name, value in tags.items() if name in names or name.startswith("metric.")}


def copy(source: RegisteredModel, version: Any, target: RegisteredModel, tags: Mapping[str, str]) -> str:
    """Return the version of the target that has the bytes of `version`, verified before and after copying."""
    digest = str(version.tags["digest"])
    with tempfile.TemporaryDirectory() as folder:
        files = source.files(version, Path(folder) / "source")
        verify(files, digest, source, version)
        number = target.add(files, digest, tags)
        copied = target.client.get_model_version(target.name, number)
        verify(target.files(copied, Path(folder) / "target"), digest, target, copied)
    return number


def verify(folder: Path, digest: str, registry: RegisteredModel, version: Any) -> None:
    """Raise a StepError unless the model in `folder` is whole and has its registered digest."""
    try:
        _, facts = models.verify(folder)
        found = str(facts["digest"])
    except step.StepError as error:
        found = str(error)
    if found != digest:
        raise step.StepError(
            f"{registry.name} version {version.version} of {registry.uri} is not what was registered as "
            f"{digest[:12]}: {found}. It was changed or removed: do not use it"
        )


def roll_back(args: argparse.Namespace) -> Entry:
    """Make the last accepted model before the champion the champion again; return the entry of the ledger.

    Raises
    ------
    StepError
        When there is none, or its bytes are not those that were registered.
    """
    registry, place = _target(args)

    def verified(digest: str) -> str:
        version = registry.find(digest)
        if version is None:
            raise step.StepError(
                f"{registry.uri} no longer has {place.model} {digest[:12]}: promote it again"
            )
        with tempfile.TemporaryDirectory() as folder:
            verify(registry.files(version, Path(folder) / "files"), digest, registry, version)
        return str(version.version)

    return promotion.roll_back(place, registry, verified, args.reason)


def main(argv: Sequence[str] | None = None) -> None:
    """Promote or roll back, write."""
    parser = build_parser()
    args = parser.parse_args(argv)
    needed = [] if args.rollback else ["source_uri", "source_environment"]
    if missing := [f"--{name.replace('_', '-')}" for name in needed if not getattr(args, name)]:
        parser.error(f"to promote, {' and '.join(missing)} must be given")

    entry = roll_back(args) if args.rollback else promote(args)
    with step.new_folder(args.promotion) as folder:
        names = ("event", "environment", "model", "version", "model_digest", "number", "digest")
        step.write_json({name: entry[name] for name in names}, folder / "promotion.json")
    done = f"{entry['model']} version {entry['version']} ({str(entry['model_digest'])[:12]})"
    print(f"{entry['event']}: {done} is the champion of {entry['environment']}, entry {entry['number']}")


if __name__ == "__main__":
    step.run_script(main)
