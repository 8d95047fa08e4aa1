"""The command line: the table of commands, and the one place where errors become exit codes."""

import argparse
import atexit
import importlib
import os
import sys
import textwrap
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from types import ModuleType
from typing import NoReturn

from operation.engine.foundation.children import ignore_signals, interrupt_at_signals
from operation.engine.foundation.secrets import masked_console

GROUPS = {
    "explore and run": {
        "lab": "open the notebooks in JupyterLab",
        "run": "execute the notebooks of a use case and write HTML reports",
        "sweep": "execute one notebook with many combinations of parameter values",
        "step": "execute one step of a use case as a plain script",
        "collect": "append what has arrived to the raw table, whole and never twice; or forget rows",
        "features": "list feature tables with their lineage, show one, or make its rows",
        "new": "write an environment, or a use case from your data, ready to run and to edit",
    },
    "understand": {
        "why": "say why a step was executed or reused, and what has changed since",
        "replay": "open a failed run in JupyterLab, stopped before the failing cell",
        "certify": "prove that script, function call and notebook give the same bytes",
        "report": "write the HTML reports of a run and the gallery of runs again",
    },
    "serve": {
        "serve": "serve a model over HTTP, with API keys and limits",
        "split": "change the challenger's share of the traffic of a service; 0 rolls back",
        "outcomes": "add true labels that arrive later, and join them with the scored rows",
        "package": "build a container image that serves a model",
        "ledger": "say what served when and why, and whether what was decided stands as written",
    },
    "keep it good": {
        "monitor": "say whether a new model is due, by a table of reasons; --act trains it",
        "play": "play past deliveries one by one, with every decision and what it was worth",
        "mlscore": "count the ML Test Score: a point for each of 28 tests that is shown to pass",
    },
    "Azure ML": {
        "submit": "execute a step or a whole use case in Azure ML, or in its emulator",
        "models": "list, register, download, promote and roll back models of the environments",
        "deploy": "deploy a model as a web service of Azure ML, or of its emulator",
        "export": "write files for the Azure CLI: jobs (v2), shell variables",
        "emulator": "start an Azure ML emulator on this machine that executes what is submitted",
    },
    "CI and CD": {
        "ci": "execute a pipeline of Azure DevOps or GitHub on this machine",
        "infrastructure": "create, update or remove what an environment needs in Azure",
        "pipelines": "write the pipelines of both systems from the list of stages",
    },
    "maintain": {
        "check": "check the configuration and list all mistakes at once",
        "test": "lint, type-check and test the project, as CI does",
        "clean": "free disk space: delete old runs and outputs that no run refers to",
        "setup": "create or complete the environment; --all with every optional group of packages",
        "lock": "resolve requirements.lock from environment.yml",
        "version": "print versions of workbench and Python, commit and environment",
    },
}
COMMANDS = {command: summary for group in GROUPS.values() for command, summary in group.items()}
HELP = ("-h", "--help", "help")
# A watcher ends what they have started, but where that may be a person's browser.
STARTERS = (
    *("run", "sweep", "step", "collect", "features", "monitor", "play", "mlscore"),
    *("certify", "test", "serve", "emulator", "submit", "report", "ci"),
)
SESSIONS = ("lab", "replay")
SHOW_KEYS = ("emulator", "lab", "replay")  # print the key of the server that they start
RENAMED = {"rehearse": "emulator", "--rehearse": "--emulator"}


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments : Sequence[str]
        The words after ``python3 -m operation``.

    Returns
    -------
    int
        0 done, 1 the work failed, 2 wrong usage or configuration, 3 the gate rejected the model,
        130 interrupted, by Ctrl-C or a signal that asks to end; 70 a defect of the workbench.
    """
    shows_keys = bool(arguments) and arguments[0] in SHOW_KEYS
    with nullcontext() if shows_keys else masked_console():
        return _guarded(list(arguments))


def _guarded(arguments: list[str]) -> int:
    try:
        return _dispatch(arguments)
    except SystemExit as stop:  # argparse has said why
        return stop.code if isinstance(stop.code, int) else 1
    except KeyboardInterrupt:
        ignore_signals()  # while the exception is there: no gap in which another could be raised
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has left, as in `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001 - the boundary: whatever is not expected is our defect
        return _failed(error, arguments)


def importable(command: str) -> bool:
    """Return whether the module of `command` can be imported in this Python."""
    try:
        _module(command)
    except ImportError:
        return False
    return True


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in HELP:
        _overview().print_help()
        return 0
    command, words = arguments[0], arguments[1:]
    if command not in COMMANDS:
        return _unknown(command)
    module = _module(command)
    return int(module.run(_parse(command, module, words)))


def _overview() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    lines = ["The workbench: one code path from the notebook to CI."]
    for group, commands in GROUPS.items():
        lines += ["", f"{group}:", *(f"  {name:{width}}  {summary}" for name, summary in commands.items())]
    return argparse.ArgumentParser(
        prog="python3 -m operation",
        usage="python3 -m operation <command> [options]",
        description="\n".join(lines),
        epilog="examples:\n  python3 -m operation run\n  python3 -m operation run --help",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _unknown(command: str) -> int:
    from operation.engine.foundation.nearest import did_you_mean, listed

    option = command.startswith("-")
    what = f"write option {command} behind the command" if option else f"there is no command '{command}'"
    hint = _renamed(command) or did_you_mean(command, COMMANDS)
    print(f"error: {what}.{hint} Commands: {listed(COMMANDS, 'and')}.", file=sys.stderr)
    return 2


def _module(command: str) -> ModuleType:
    return importlib.import_module(f"operation.commands.{command.replace('-', '_')}")


def _parse(command: str, module: ModuleType, words: list[str]) -> argparse.Namespace:
    """Parse `words`; a command that passes unknown words on declares ``set_defaults(rest=[])``."""
    parser = argparse.ArgumentParser(
        prog=f"python3 -m operation {command}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    parser.description = textwrap.fill(parser.description or "", 100)
    args, rest = parser.parse_known_args(words)
    if not rest:
        return args
    if parser.get_default("rest") is None:
        parser.error(_unrecognised(parser, rest))
    args.rest = [word for word in rest if word != "--"] if rest[0] == "--" else rest
    return args


def _unrecognised(parser: argparse.ArgumentParser, rest: list[str]) -> str:
    from operation.engine.foundation.nearest import did_you_mean
    from operation.engine.identity.contract import actions_of

    options = [option for action in actions_of(parser) for option in action.option_strings]
    names = [word.split("=")[0] for word in rest if word.startswith("--")]
    hints = [_renamed(name) or did_you_mean(name, options) for name in names]
    return f"unrecognized arguments: {' '.join(rest)}.{''.join(hints)}"


def _renamed(name: str) -> str:
    return f" It is called {RENAMED[name]} now." if name in RENAMED else ""


def _failed(error: Exception, arguments: Sequence[str]) -> int:
    from operation.engine.foundation.errors import WorkbenchError

    if isinstance(error, WorkbenchError):
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    if isinstance(error, ModuleNotFoundError) and (group := _group_of(error.name or "")):
        print(
            f"error: {error.name} is not installed: it belongs to the optional group {group}. "
            f"Add it with `python3 -m operation setup --group {group}`, then rerun.",
            file=sys.stderr,
        )
        return 2
    from operation.crash import write_crash_log

    log = write_crash_log(error, arguments)
    print(
        f"error: a defect of the workbench, not of your work: {type(error).__name__}: {error}\n"
        f"       The details are in {log}; please report them.",
        file=sys.stderr,
    )
    return 70


def _group_of(module: str) -> str:
    """Return the optional group of packages that brings `module`, empty where none does."""
    from operation.engine.foundation.layout import project
    from operation.setup.lockfile import read_groups

    top = module.partition(".")[0]
    groups = read_groups(project().root / "pyproject.toml")
    return next(
        (name for name, names in groups.items() if any(n.partition("-")[0] == top for n in names)), ""
    )


def watch_what_is_started(arguments: Sequence[str]) -> None:
    """Let what the command starts end with it, even where it is killed."""
    name = arguments[0] if arguments else ""
    opens_browser = "--open" in arguments or (name in SESSIONS and "--no-browser" not in arguments)
    if RENAMED.get(name, name) in (*STARTERS, *SESSIONS) and not opens_browser:
        from operation.engine.foundation.watcher import watch

        watch()


def run_and_leave(call: Callable[[], int]) -> NoReturn:
    """End this process with the exit code of `call`, without taking every library apart: half a second.

    A signal that asks to end interrupts it.
    """
    code = 70  # of a defect that comes out of `call`

    def leave() -> None:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:  # the reader has left: the interpreter knows what is usual then
            return
        os._exit(code)

    interrupt_at_signals()
    atexit.register(leave)  # the first to be registered is the last to be called
    code = call()
    sys.exit(code)


if __name__ == "__main__":
    run_and_leave(lambda: main(sys.argv[1:]))
