"""The errors by which a step ends with one message."""


class StepError(Exception):
    """The step cannot do its work; ``str(error)`` says what, where and how to fix it."""

    exit_code = 1


class GateRejected(StepError):
    """The step worked and the gate said no."""

    exit_code = 3
