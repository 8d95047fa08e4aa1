"""What a feature table is: its file in ``configuration/features/``, read and checked."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from support import step

Names = Annotated[list[str], Field(min_length=1)]


DURATION = re.compile(r"[1-9]\d{0,5}(s|min|h|d)")


def _duration(text: str) -> str:
    """Refuse what is no duration above zero, such as ``90min``, ``2h`` or ``7d``."""
    if not DURATION.fullmatch(text):
        raise ValueError("expected a duration such as 90min, 2h or 7d")
    return text


class Definition(BaseModel):
    """A feature table: who owns it, whose features it holds, and when a row of it holds."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=lambda name: name.replace("_", "-"),
        populate_by_name=True,
    )
    name: str  # that of the file
    description: str
    owner: str
    version: Annotated[str, BeforeValidator(str)]  # a model is tied to it
    entity: Names  # columns that say whose features a row holds
    event_time: str  # column with the time from which on a row holds
    # column with the time since which a row is known; by default the event time
    known_since: str | None = None
    # column with the time from which on a row holds no more; missing: it holds until the next one
    valid_until: str | None = None
    # greatest age of a row, such as ``2h``; features of an older one are missing
    freshness: Annotated[str, BeforeValidator(str), AfterValidator(_duration)] | None = None
    # name of what makes the rows in `modelling.feature_tables`; by default they are the source's
    function: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)  # what the function is given beside the source
    columns: Annotated[dict[str, str], Field(min_length=1)]  # the features and their meanings

    @property
    def times(self) -> list[str]:
        """The columns of times, each once: event time, known since, valid until."""
        named = (self.event_time, self.known_since, self.valid_until)
        return list(dict.fromkeys(name for name in named if name))

    @property
    def order(self) -> list[str]:
        """The columns that identify a row, by which a feature table is sorted."""
        return list(dict.fromkeys([*self.entity, self.event_time, self.known_since or self.event_time]))

    def to_dict(self) -> dict[str, Any]:
        """Return the definition as JSON, as `from_dict` reads it."""
        return self.model_dump()


def read_definition(file: Path) -> Definition:
    """Return the definition in a YAML file.

    Raises
    ------
    StepError
        With every mistake in it: file, line, what is wrong and the nearest valid name.
    """
    import yaml

    if not file.is_file():
        raise step.StepError(f"{file} does not exist: name the YAML file of a feature table")
    try:
        node = yaml.compose(file.read_text(encoding="utf-8"), yaml.SafeLoader)
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise step.StepError(f"{file} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, Mapping):
        raise step.StepError(f"{file}:1: expected lines such as 'key: value'")
    keys = node.value if isinstance(node, yaml.MappingNode) else []
    lines = {key.value: key.start_mark.line + 1 for key, _ in keys}
    try:
        definition = Definition.model_validate({**content, "name": file.stem})
    except ValidationError as error:
        problems = [_problem(file, lines, one) for one in error.errors(include_url=False)]
        raise step.StepError("\n".join(problems)) from None
    taken = [name for name in definition.columns if name in {*definition.entity, *definition.times}]
    if taken:
        where = f"{file}:{lines['columns']}"
        raise step.StepError(f"{where}: {taken[0]!r} is the entity or a time: it is no feature, remove it")
    return definition


def _problem(file: Path, lines: Mapping[str, int], error: Any) -> str:
    """Return one of pydantic's errors as a sentence with its place."""
    key = str(error["loc"][0])
    where = f"{file}:{lines.get(key, 1)}: '{'.'.join(map(str, error['loc']))}'"
    known = [name.replace("_", "-") for name in Definition.model_fields if name != "name"]
    if error["type"] == "extra_forbidden":
        return f"{where} is not known{step.nearest(key, known)}; the keys are: {', '.join(known)}"
    if error["type"] == "missing":
        return f"{where} is missing: add it"
    return f"{where}: {error['msg'].removeprefix('Value error, ')}, found {step.show(error['input'])}"


def from_dict(content: Mapping[str, Any]) -> Definition:
    """Return the definition of `Definition.to_dict`, read back from JSON."""
    return Definition.model_validate(dict(content))
