"""Long child processes: their output in a log, their progress on the screen, never silent."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

SILENCE = 2.0  # seconds without a word that a person bears
NOISE = ("+ ", "- ", "~ ", "Looking in", "WARNING: Location", "Requirement already satisfied")
WIDTH = 100


@dataclass(frozen=True)
class Outcome:
    """What a child process came to: its exit code and its output."""

    code: int
    output: str


def say(text: str) -> None:
    """Print a line for the person who waits; standard output belongs to the command."""
    print(text, file=sys.stderr, flush=True)


def run(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> Outcome:
    """Run `command` to its end, its output appended to `log` and its progress on the screen."""
    with log.open("a", encoding="utf-8") as record:
        record.write(f"$ {' '.join(command)}\n")
        try:
            process = _started(command, environment)
        except OSError as error:  # no permission to execute, blocked by a virus scanner
            return Outcome(126, f"error: {command[0]} does not start: {error}\n")
        return _watched(process, record)


def _watched(process: subprocess.Popen[str], record: IO[str]) -> Outcome:
    screen = _Screen()
    with process:
        try:
            lines = _follow(process, record, screen)
        finally:
            screen.clear()
            if process.poll() is None:  # interrupted: the installer does not outlive us
                process.kill()
    return Outcome(process.returncode, "".join(lines))


def _started(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        list(command),
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        close_fds=False,  # the lock on the set-up is passed on, see operation.setup.turn
        encoding="utf-8",
        errors="replace",
    )


def _follow(process: subprocess.Popen[str], record: IO[str], screen: _Screen) -> list[str]:
    said: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read, args=(process.stdout, said), daemon=True).start()
    lines: list[str] = []
    while True:
        try:
            line = said.get(timeout=SILENCE)
        except queue.Empty:
            screen.beat()
            continue
        if line is None:
            process.wait()
            return lines
        lines.append(line)
        record.write(line)
        record.flush()
        screen.show(line.strip())


def _read(stream: IO[str], said: queue.Queue[str | None]) -> None:
    for line in stream:
        said.put(line)
    said.put(None)


class _Screen:
    """On a terminal one line that is rewritten; elsewhere a line for each thing that happens."""

    def __init__(self) -> None:
        self.terminal = sys.stderr.isatty()
        self.begin = time.monotonic()
        self.last = "working"

    def show(self, line: str) -> None:
        if not line or line.startswith(NOISE):
            return
        self.last = line
        if self.terminal:
            self.beat()
        else:
            say(f"  {line[:WIDTH]}")

    def beat(self) -> None:
        seconds = f"{time.monotonic() - self.begin:4.0f} s"
        if self.terminal:
            text = f"  {seconds}  {self.last}"[: WIDTH - 1]
            sys.stderr.write(f"\r{text}\x1b[K")
            sys.stderr.flush()
        else:
            say(f"  ... {seconds.strip()}")

    def clear(self) -> None:
        if self.terminal:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
