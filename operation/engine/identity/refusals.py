"""What only a parser itself knows of its arguments: one is needed, or one excludes another."""

import argparse
from collections.abc import Mapping, Sequence
from typing import NoReturn

from operation.engine.identity.contract import Contract, require_nothing
from operation.engine.identity.parser_slice import build_parser


class _Refused(Exception):
    """What the parser says."""


def refusal(parser: argparse.ArgumentParser, argv: Sequence[str]) -> str | None:
    """Return why the parser refuses a command line; None when it reads it."""

    def refuse(message: str) -> NoReturn:
        raise _Refused(message)

    parser.error = refuse  # type: ignore[method-assign]
    try:
        parser.parse_args(argv)
    except _Refused as error:
        return str(error)
    return None


def excluded(contract: Contract, given: Mapping[str, object], configured: Mapping[str, object]) -> set[str]:
    """Return the `configured` arguments that one of those `given` in a call excludes.

    Nothing but the parser is asked: what it reads alone and not beside those given is excluded by them.
    """
    parser = build_parser(contract.script)
    require_nothing(parser)

    def reads(values: Mapping[str, object]) -> bool:
        return refusal(parser, contract.argv(values)) is None

    others = {name: value for name, value in configured.items() if name not in given}
    if reads({**others, **given}) or not reads(given):  # values that are wrong are told elsewhere
        return set()
    return {
        name for name, value in others.items() if reads({name: value}) and not reads({**given, name: value})
    }
