"""What pages say about a step: read from its manifest, and told from others of its name by what differs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from operation.engine.evidence.reports.wording import clip

LONGEST = 20_000  # bytes of a message
MOST_DIFFERENCES = 3  # that tell a step from others of its name
_STORED = re.compile(r"[/\\]([0-9a-f]{64})[/\\]")  # a key in the path of an output

Scalar = str | int | float | bool | None


def _utf8(value: object) -> object:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _words(value: object) -> object:
    return tuple(word for word in value if isinstance(word, str)) if isinstance(value, list) else ()


def _scalars(value: object) -> object:
    pairs = value.items() if isinstance(value, dict) else ()
    return {name: metric for name, metric in pairs if metric is None or isinstance(metric, str | int | float)}


Text = Annotated[str, BeforeValidator(_utf8), AfterValidator(lambda text: clip(text, LONGEST)[0])]
Whole = Annotated[int, Strict()]
Seconds = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)]
Words = Annotated[tuple[Any, ...], BeforeValidator(_words)]
Metrics = Annotated[dict[Any, Any], BeforeValidator(_scalars)]


class Record(BaseModel):
    """A part of a manifest: a field that is missing or of a wrong type keeps its default."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    @field_validator("*", mode="wrap")
    @classmethod
    def _lenient(cls, value: Any, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        try:
            return read(value)
        except ValidationError:
            return cls.model_fields[str(info.field_name)].get_default(call_default_factory=True)


class Failure(Record):
    """What went wrong and where."""

    type: Text = ""
    message: Text = ""
    file: Text = ""
    line: Whole | None = None
    notebook: Text = ""
    cell: Whole | None = None
    traceback: Text = ""
    execution_count: Whole | None = None

    @property
    def cell_label(self) -> str:
        """The cell as Jupyter names it, "cell In [5]"; by its index where it never ran."""
        if self.execution_count is not None:
            return f"cell In [{self.execution_count}]"
        return f"cell {self.cell}" if self.cell is not None else ""

    @property
    def location(self) -> str:
        """File and line as an editor understands them: ``src/train.py:41``."""
        return f"{self.file}:{self.line}" if self.file and self.line else self.file


@dataclass(frozen=True)
class Metric:
    """One number, the step that measured it, and what tells that step from others of its name."""

    step: str
    name: str
    value: Scalar
    label: str = ""

    @property
    def full_name(self) -> str:
        """``evaluate.roc_auc``."""
        return f"{self.step}.{self.name}" if self.step else self.name


class StepRecord(Record):
    """One step of a run; `label` is what tells it from others of its name."""

    step: Text = ""
    script: Text = ""
    key: Text = ""
    how: Text = ""
    seconds: Seconds | None = None
    notebook: Text = ""
    argv: Words = ()
    metrics: Metrics = Field(default_factory=dict)
    outputs: dict[Any, Any] = Field(default_factory=dict)
    failure: Failure | None = Field(default=None, alias="error")
    label: Text = ""

    @property
    def measured(self) -> list[Metric]:
        """The step's metrics."""
        return [Metric(self.step, name, value, self.label) for name, value in self.metrics.items()]


def label_steps(steps: Sequence[StepRecord]) -> tuple[StepRecord, ...]:
    """Label steps, upstream ones first, by the arguments that tell each from others of its name."""
    labels: dict[str, str] = {}
    names = {step.key: f"{step.step} {step.key[:7]}" for step in steps}
    labelled = []
    for step in steps:
        namesakes = [options(other.argv) for other in steps if other.step == step.step]
        differing = _differing(options(step.argv), namesakes, {**names, **labels, step.key: ""})
        label = ", ".join(differing[:MOST_DIFFERENCES])
        labels |= {step.key: label} if label else {}
        labelled.append(step.model_copy(update={"label": label}))
    return tuple(labelled)


def _differing(
    own: Mapping[str, str], namesakes: Sequence[Mapping[str, str]], labels: Mapping[str, str]
) -> list[str]:
    every = dict.fromkeys(name for other in namesakes for name in other)
    names = [name for name in every if len({other.get(name) for other in namesakes}) > 1]
    words: dict[str, None] = {}
    for name in (name for name in names if name in own):
        stored = _STORED.search(own[name])
        plain = f"{name}={own[name]}".removesuffix("=")
        words[labels.get(stored[1], "") if stored else plain] = None
    return [word for word in words if word] or [f"no {name}" for name in names if name not in own]


def options(argv: Sequence[str]) -> dict[str, str]:
    """Return a command line as a contract writes it, by option.

    >>> options(["--max-iter=3", "--slices", "a", "b"])
    {'max-iter': '3', 'slices': 'a b'}
    """
    values: dict[str, str] = {}
    name = ""
    for word in argv:
        if word.startswith("--"):
            name, _, values[name] = word.removeprefix("--").partition("=")
        else:
            values[name] = f"{values.get(name, '')} {word}".strip()
    return values
