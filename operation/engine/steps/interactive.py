"""Core Scripts as functions in a notebook: signature and help from the contract, results to look at."""

import inspect
from collections.abc import Iterator

from operation.engine import configuration
from operation.engine.configuration import Configuration, resolved
from operation.engine.foundation import run_folder
from operation.engine.foundation.layout import Layout, project
from operation.engine.identity import opened
from operation.engine.identity.contract import Argument, read_contract
from operation.engine.steps import runners
from operation.engine.steps.results import Output, Result
from operation.engine.steps.session import Session
from operation.engine.steps.stand_ins import Using, read_stand_ins

_session: Session | None = None
opened.record_kernel(project().root, project().runs)  # where the kernel was not forked


def use(use_case: str | None = None, environment: str | None = None) -> str:
    """Choose the use case and the environment of the calls that follow.

    Parameters
    ----------
    use_case : str, optional
        ``configuration/configuration-<use case>.yml``; the environment's default if not given.
    environment : str, optional
        ``configuration/configuration-<ENVIRONMENT>.yml``; DEV if not given.

    Returns
    -------
    str
        One line that says what is in use.

    Raises
    ------
    ConfigurationError
        With every mistake of the two files.
    """
    global _session  # noqa: PLW0603 - one notebook, one session
    layout = project()
    choice = (environment, use_case, layout)
    configured = _handed_over(*choice) or configuration.load(*choice)
    _session = Session(configured, layout, runners.in_process)
    return f"{configured.use_case} in {configured.environment}: {configured.description}"


def _handed_over(environment: str | None, use_case: str | None, layout: Layout) -> Configuration | None:
    """Return the configuration of the run that this notebook is part of, if it is the one that is wanted."""
    run = run_folder.current()
    content = run.configuration if run else None
    if content is None or (environment or content["environment"]) != content["environment"]:
        return None
    return resolved.from_json(content, layout) if use_case in {None, content["use_case"]} else None


def session() -> Session:
    """Return the session in use; the defaults when none was chosen."""
    if _session is None:
        use()
    assert _session is not None  # noqa: S101 - use() sets it
    return _session


class StepFunction:
    """The step `name` of the use case in use, as a function."""

    def __init__(self, name: str) -> None:
        self.__name__ = name
        self.__doc__ = "\n".join(_documentation(name))
        self.__signature__ = inspect.Signature(list(_parameters(name)))

    def __call__(self, *, using: Using = None, fresh: bool = False, **arguments: object) -> Result:
        """Execute or reuse the step; see its own help for the arguments."""
        __tracebackhide__ = True  # a traceback in a notebook leads from the cell to src/
        current = session()
        stand_ins = read_stand_ins(current, self.__name__, current.sources(self.__name__, arguments), using)
        return Result(current.standing_in(stand_ins).step(self.__name__, arguments, fresh=fresh))

    def input(self, name: str, *, using: Using = None) -> Output:
        """Return what the use case hands to this step as its input `name`, executing what is missing.

        Parameters
        ----------
        name : str
            Input of the step, such as ``model``.
        using : Result, list of Result or dict of str to Result, optional
            As in a call of the step.
        """
        __tracebackhide__ = True
        current = session()
        source = current.source(self.__name__, name)
        stand_ins = read_stand_ins(current, self.__name__, {name: source}, using)
        return Output(current.standing_in(stand_ins).input_path(source))

    def __repr__(self) -> str:
        return f"<step {self.__name__}{self.__signature__}>"


def _step_arguments(name: str) -> list[Argument]:
    contract = read_contract(session().configured.step(name).script)
    return [argument for argument in contract.arguments.values() if argument.role != "output"]


def _parameters(name: str) -> Iterator[inspect.Parameter]:
    for argument in _step_arguments(name):
        default = _configured(name, argument)
        yield inspect.Parameter(argument.dest, inspect.Parameter.KEYWORD_ONLY, default=default)
    yield inspect.Parameter("using", inspect.Parameter.KEYWORD_ONLY, default=None)
    yield inspect.Parameter("fresh", inspect.Parameter.KEYWORD_ONLY, default=False)


def _configured(name: str, argument: Argument) -> object:
    step = session().configured.step(name)
    return {**step.arguments, **step.inputs}.get(argument.name, argument.default)


def _documentation(name: str) -> Iterator[str]:
    contract = read_contract(session().configured.step(name).script)
    yield f"{contract.description}\n\nParameters\n----------"
    for argument in _step_arguments(name):
        default = _configured(name, argument)
        yield f"{argument.dest} : {argument.expected}, default {default!r}\n    {argument.help}"
    yield "using : results of steps, default None\n    Taken instead of what these steps give as configured."
    yield "fresh : true or false, default False\n    Execute even when the store holds the outputs."
    yield f"\nReturns\n-------\nResult\n    With outputs {', '.join(contract.outputs)}."


def step_names() -> list[str]:
    """Return the steps of the use case in use, and what collects its deliveries."""
    configured = session().configured
    return [*configured.steps, *([configured.deliveries.name] if configured.deliveries else [])]
