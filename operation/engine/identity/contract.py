"""The contract of a Core Script: what its ``build_parser()`` says, read without its libraries."""

import argparse
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.nearest import did_you_mean, nearest
from operation.engine.identity.parser_slice import EFFECTS, ELSEWHERE, SAME_BYTES, build_parser

Role = Literal["input", "output", "value"]
_ROLES: dict[str, Role] = {"input_path": "input", "output_path": "output"}


@dataclass(frozen=True)
class Argument:
    """One argument of a Core Script."""

    name: str  # as typed on the command line, without the leading dashes: ``learning-rate``
    dest: str  # as a Python name: ``learning_rate``
    role: Role  # what the parser's type says of it
    required: bool
    default: object
    choices: tuple[str, ...]
    multiple: bool  # takes a list
    flag: bool  # takes no value: ``--name`` or ``--no-name``
    help: str
    type_name: str  # ``int``, ``float``, ``str``, ``bool`` or the name of the parser's type function

    @property
    def expected(self) -> str:
        """What a value must be, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        words = {
            "int": "a whole number",
            "float": "a number",
            "str": "text",
            "bool": "true or false",
            "input_path": "a path",
            "output_path": "a path",
        }
        one = words.get(self.type_name, self.type_name)
        return f"a list, each {one}" if self.multiple else one

    def problem(self, value: object) -> str | None:
        """Return why `value` is not acceptable, or None when it is."""
        values = value if isinstance(value, list) else [value]
        if isinstance(value, list) and not self.multiple:
            return f"expected {self.expected}, found a list"
        for one in values:
            if not self._accepts(one):
                close = nearest(str(one), self.choices)
                hint = f", perhaps for '{close}'" if close else ""
                return f"expected {self.expected}, found {one!r}{hint}"
        return None

    def _accepts(self, value: object) -> bool:
        if self.choices and str(value) not in self.choices:
            return False
        if self.flag or isinstance(value, bool):
            return self.flag and isinstance(value, bool)
        if value is None or isinstance(value, (dict, list)):
            return False
        return _converts(self.type_name, value)

    def canonical(self, value: object) -> object:
        """Return `value` in the one form that all spellings of it share: 1 and 1.0 and "1" for a float."""
        if isinstance(value, list | tuple):
            return [self.canonical(one) for one in value]
        if value is None or self.flag:
            return value
        convert = {"int": int, "float": float}.get(self.type_name, str)
        return convert(value)


def _converts(type_name: str, value: object) -> bool:
    if type_name not in {"int", "float"}:
        return True
    text = str(value)
    try:
        return "_" not in text and math.isfinite(float(text) if type_name == "float" else int(text))
    except (ValueError, OverflowError):
        return False


@dataclass(frozen=True)
class Contract:
    """All arguments of one Core Script, by their names with dashes, in the parser's order.

    `has_effects`: the script changes something outside its outputs, and its parser's default
    ``effects_stand`` tells whether that is still so. `reads_elsewhere`: it reads what is neither an input nor
    in the project, and ``digests_elsewhere`` tells its digests. `same_bytes`: arguments and inputs that only
    decide how fast it is, by the parser's default of this name; they are no part of a key.
    """

    script: Path
    description: str
    arguments: Mapping[str, Argument]
    has_effects: bool = False
    reads_elsewhere: bool = False
    same_bytes: frozenset[str] = frozenset()

    def _of(self, role: Role) -> dict[str, Argument]:
        return {name: one for name, one in self.arguments.items() if one.role == role}

    @property
    def inputs(self) -> dict[str, Argument]:
        """Arguments that name what the step reads."""
        return self._of("input")

    @property
    def outputs(self) -> dict[str, Argument]:
        """Arguments that name the folders the step writes."""
        return self._of("output")

    @property
    def values(self) -> dict[str, Argument]:
        """All other arguments."""
        return self._of("value")

    def nearest(self, name: str) -> str | None:
        """Return the argument whose name is most like `name`, if one is."""
        return nearest(name, self.arguments)

    def named(self, name: str) -> Argument:
        """Return the argument called `name`, with dashes or underscores.

        Raises
        ------
        UsageError
            When the script has no such argument; names the nearest.
        """
        argument = self.arguments.get(name.replace("_", "-"))
        if argument is None:
            hint = did_you_mean(name, self.arguments)
            raise UsageError(f"{self.script.name} has no argument '{name}'.{hint}")
        return argument

    def canonical(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return every value argument with its canonical value, the parser's default where none is given."""
        return {
            name: argument.canonical(values.get(name, argument.default))
            for name, argument in sorted(self.values.items())
        }

    def argv(self, values: Mapping[str, object]) -> list[str]:
        """Return the command line that hands `values` (inputs and outputs too) to the script."""
        words: list[str] = []
        for name, argument in self.arguments.items():
            if name in values:
                words += _words(argument, values[name])
        return words


def _words(argument: Argument, value: object) -> list[str]:
    if value is None:
        return []
    if argument.flag:
        return [f"--{argument.name}" if value else f"--no-{argument.name}"]
    if isinstance(value, list | tuple):
        return [f"--{argument.name}", *(str(one) for one in value)]
    return [f"--{argument.name}={value}"]


def read_contract(script: Path) -> Contract:
    """Read the contract of `script`.

    Only the part of the module that ``build_parser`` reaches is executed: the imports that it
    does not use (pandas, scikit-learn) are not paid for.

    Raises
    ------
    UsageError
        When the file does not exist, is not Python or has no ``build_parser()``.
    """
    try:
        text = script.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{script}: no such Core Script ({error.strerror}).") from error
    return _read(script, text)


@lru_cache(maxsize=64)
def _read(script: Path, text: str) -> Contract:
    parser = build_parser(script, text)
    actions = [action for action in actions_of(parser) if "--help" not in action.option_strings]
    arguments = {argument.name: argument for argument in map(_argument, actions)}
    effects, elsewhere = (parser.get_default(name) is not None for name in (EFFECTS, ELSEWHERE))
    same = frozenset(name.replace("_", "-") for name in parser.get_default(SAME_BYTES) or ())
    return Contract(script, parser.description or "", arguments, effects, elsewhere, same)


def actions_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return the arguments of a parser, in its order, as it hands them to who formats its usage."""
    return _usage_of(parser)[0]


def require_nothing(parser: argparse.ArgumentParser) -> None:
    """Let a parser read a part of a command line: no argument, and none of a group, must be there."""
    for item in (*_usage_of(parser)[0], *_usage_of(parser)[1]):
        item.required = False


def _usage_of(parser: argparse.ArgumentParser) -> tuple[list[argparse.Action], list[Any]]:
    """Return the arguments of a parser and its groups of which one excludes the others."""
    found: list[argparse.Action] = []
    groups: list[Any] = []

    class Listing(argparse.HelpFormatter):
        def add_usage(
            self, _: str | None, actions: Iterable[argparse.Action], exclusive: Iterable[Any], *__: object
        ) -> None:
            found.extend(actions)
            groups.extend(exclusive)

    before, parser.formatter_class = parser.formatter_class, Listing
    parser.format_usage()
    parser.formatter_class = before
    return found, groups


def _argument(action: argparse.Action) -> Argument:
    flag = action.nargs == 0 or isinstance(action, argparse.BooleanOptionalAction)
    type_name = "bool" if flag else getattr(action.type, "__name__", "str") if action.type else "str"
    return Argument(
        name=action.option_strings[0].removeprefix("--") if action.option_strings else action.dest,
        dest=action.dest,
        role=_ROLES.get(type_name, "value"),
        required=action.required,
        default=action.default,
        choices=tuple(str(choice) for choice in action.choices or ()),
        multiple=action.nargs in {"*", "+"} or (isinstance(action.nargs, int) and action.nargs > 1),
        flag=flag,
        help=action.help or "",
        type_name=type_name,
    )
