"""The ledger: entries that cannot be changed unnoticed, whoever is killed, and what served when.

``WORKBENCH_LEDGER=full`` makes it 1,000 edits, 50 kills and 100,000 entries.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from support import ledger, ledger_entries
from support.ledger import Entry
from tests.src.running import SRC, error_of

FULL = os.environ.get("WORKBENCH_LEDGER") == "full"
EDITS, KILLS, LENGTH = (1000, 50, 100_000) if FULL else (60, 2, 400)
DAY = "2026-01-{:02}T12:00:00+00:00"
WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from support import ledger
for number in range(int(sys.argv[3])):
    reason = "long " * 3000 if number % 3 else "short"
    entry = {"event": "promoted", "environment": sys.argv[4], "model": "m", "reason": reason}
    print(ledger.append(Path(sys.argv[2]), entry)["digest"], flush=True)
"""


def entry(event: str = "promoted", digest: str = "a", environment: str = "PROD", **more: Any) -> Entry:
    given = {"event": event, "environment": environment, "model": "flights", "reason": "it is better"}
    return {**given, "model_digest": digest * 64, "actor": "ada", "ci_run": None, **more}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a ledger of six entries, of one day each."""
    events = ["accepted", "promoted", "rejected", "registered", "promoted", "rolled-back"]
    for day, (event, digest) in enumerate(zip(events, "aabbba", strict=True), start=1):
        ledger.append(tmp_path / "ledger.jsonl", entry(event, digest, time=DAY.format(day)))
    return tmp_path / "ledger.jsonl"


def whole_head(file: Path) -> str:
    return ledger.head(ledger.read(file)[-1])


def test_an_entry_says_what_follows_what(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    first, second, *_ = map(json.loads, lines)
    assert list(second) == sorted(second)
    assert (first["number"], first["previous"], first["serving"]) == (1, None, {})
    assert (second["number"], second["previous"]) == (2, first["digest"])
    assert second["serving"] == {"PROD/flights": 2}
    assert second["version"] is None
    assert ledger.verify(file, whole_head(file)) == []


def test_equal_entries_give_equal_ledgers(file: Path, tmp_path: Path) -> None:
    for known in ledger.read(file):
        given = {name: known[name] for name in (*entry(), "time")}
        again = ledger.append(tmp_path / "again.jsonl", given)
    assert again == ledger.read(file)[-1]


def test_what_is_not_given_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_RUN_ID", "BUILD_BUILDID", "GITHUB_ACTOR", "BUILD_REQUESTEDFOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("getpass.getuser", lambda: "grace")
    given = {name: value for name, value in entry().items() if name not in ("actor", "ci_run")}
    here = ledger.append(tmp_path / "l", given)
    assert (here["actor"], here["ci_run"]) == ("grace", None)
    github = {"SERVER_URL": "https://github.com", "REPOSITORY": "a/b", "RUN_ID": "7", "ACTOR": "lin"}
    with monkeypatch.context() as patch:
        for name, value in github.items():
            patch.setenv(f"GITHUB_{name}", value)
        there = ledger.append(tmp_path / "l", given)
    assert (there["actor"], there["ci_run"]) == ("lin", "https://github.com/a/b/actions/runs/7")
    azure = {
        **{"SYSTEM_COLLECTIONURI": "https://dev.azure.com/org/", "SYSTEM_TEAMPROJECT": "A project"},
        **{"BUILD_BUILDID": "12", "BUILD_REQUESTEDFOR": "Mary"},
    }
    for name, value in azure.items():
        monkeypatch.setenv(name, value)
    there = ledger.append(tmp_path / "l", given)
    address = "https://dev.azure.com/org/A%20project/_build/results?buildId=12"
    assert (there["actor"], there["ci_run"]) == ("Mary", address)


def test_texts_of_any_kind_are_kept(tmp_path: Path) -> None:
    for reason in ("a\nb", "ü€😀", "\ud800", '"\\', "\x00"):
        ledger.append(tmp_path / "l", entry(reason=reason))
        assert ledger.read(tmp_path / "l")[-1]["reason"] == reason
    assert ledger.verify(tmp_path / "l") == []


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "reason": ({"reason": ""}, "an entry of the ledger needs reason"),
    "event": (
        {"event": "promote"},
        "the ledger has no event 'promote'; it has: accepted, rejected, registered, trigger, promoted, "
        "rolled-back, overridden, changed-outside",
    ),
    "no zone": (
        {"time": "2026-02-01T00:00"},
        "'2026-02-01T00:00' is no time with its zone, such as 2026-01-31T12:00:00+00:00",
    ),
    "earlier": (
        {"time": DAY.format(2)},
        f"the time {DAY.format(2)} is before that of the ledger's last entry, {DAY.format(6)}",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_entry_that_says_too_little_is_refused(file: Path, mistake: str) -> None:
    before = file.read_bytes()
    changes, message = MISTAKES[mistake]
    assert error_of(ledger.append, file, entry(**changes)) == message
    assert file.read_bytes() == before


def test_a_clock_that_lags_does_not_set_the_ledger_back(tmp_path: Path) -> None:
    ledger.append(tmp_path / "l", entry(time="2999-01-01T01:00:00+01:00"))
    assert ledger.append(tmp_path / "l", entry())["time"] == "2999-01-01T00:00:00+00:00"


def test_a_ledger_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    message = error_of(ledger.append, tmp_path / "taken" / "l", entry())
    assert message.startswith(f"cannot write the ledger {tmp_path / 'taken' / 'l'}: ")


def test_what_served_when(file: Path) -> None:
    ledger.append(file, entry(digest="c", environment="TEST", time=DAY.format(7)))
    expected = {1: None, 2: 2, 3: 2, 4: 2, 5: 5, 6: 6, 7: 6, 30: 6}
    for entries in (ledger.read(file), list(ledger.read(file))):
        for day, number in expected.items():
            served = ledger.served_at(entries, DAY.format(day), "PROD", "flights")
            assert (served["number"] if served else None) == number
        assert ledger.served_at(entries, "2026-01-05T13:00:00+01:00", "PROD", "flights") == entries[4]
        assert ledger.served_at(entries, DAY.format(30), "DEV", "flights") is None
        now = {place: one["number"] for place, one in ledger.serving(entries).items()}
        assert now == {("PROD", "flights"): 6, ("TEST", "flights"): 7}
    assert ledger.serving(ledger.read(file.parent / "none")) == {}


def test_entries_are_a_sequence(file: Path) -> None:
    entries = ledger.read(file)
    assert [one["number"] for one in entries] == [1, 2, 3, 4, 5, 6]
    assert [one["number"] for one in entries[1:-1]] == [2, 3, 4, 5]
    assert [one["number"] for one in reversed(entries)] == [6, 5, 4, 3, 2, 1]
    assert (len(entries), entries[-2]["number"]) == (6, 5)
    with pytest.raises(IndexError):
        entries[6]
    assert len(ledger.read(file.parent / "none")) == 0


def test_who_was_overtaken_is_told(file: Path) -> None:
    ledger.append(file, entry(digest="c"), expected=6)
    before = file.read_bytes()
    with pytest.raises(ledger.Overtaken) as caught:
        ledger.append(file, entry(digest="d"), expected=6)
    assert str(caught.value) == (
        f"flights in PROD was changed meanwhile by ada: entry 7 of {file} says promoted cccccccccccc (it is "
        "better). Nothing was done; look at it, then run this again if it is still wanted"
    )
    assert file.read_bytes() == before
    ledger.append(file, entry(environment="DEV"), expected=0)


def test_every_edit_of_a_byte_is_found(file: Path) -> None:
    remembered, content, chance = whole_head(file), file.read_bytes(), random.Random(16)
    places = chance.sample(range(len(content)), min(EDITS, len(content)))
    places += [place for place, byte in enumerate(content) if byte == 10]  # each end of a line
    for place in places:
        other = chance.choice([byte for byte in range(256) if byte != content[place]])
        file.write_bytes(content[:place] + bytes([other]) + content[place + 1 :])
        assert ledger.verify(file, remembered), (place, other)


def lines_without(file: Path, *places: int) -> None:
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(line for place, line in enumerate(lines, start=1) if place not in places))


def test_what_was_changed_is_said(file: Path) -> None:
    remembered, content = whole_head(file), file.read_bytes()
    lines_without(file, 3)
    gone = "line 3: does not follow the line before it: a line was removed or moved"
    tail = f"a registry remembers entry 6 with the digest {remembered[2:14]}"
    assert ledger.verify(file, remembered) == [gone, f"the tail of the ledger was cut off: {tail}"]
    file.write_bytes(content.replace(b"better", b"worse!", 1))
    assert ledger.verify(file, remembered) == ["line 1: was changed after it was written"]
    first, second, *rest = content.splitlines(keepends=True)
    file.write_bytes(b"".join([second, first, *rest]))
    assert ledger.verify(file, remembered) == [
        f"line {place}: does not follow the line before it: a line was removed or moved"
        for place in (1, 2, 3)
    ]
    file.write_bytes(b"".join([first, b"[]\n", *rest]))
    assert ledger.verify(file, remembered) == ["line 2: was changed after it was written"]
    file.write_bytes(content[:-1])
    incomplete = "line 6: is incomplete: it was changed, or its writer was killed"
    assert ledger.verify(file, remembered) == [incomplete, f"the tail of the ledger was cut off: {tail}"]


def test_a_tail_that_was_cut_off_or_written_anew_is_found_by_what_a_registry_remembers(file: Path) -> None:
    remembered, content = whole_head(file), file.read_bytes()
    lines_without(file, 5, 6)
    assert ledger.verify(file) == []
    tail = f"a registry remembers entry 6 with the digest {remembered[2:14]}"
    assert ledger.verify(file, remembered) == [f"the tail of the ledger was cut off: {tail}"]
    for day in (5, 6):
        ledger.append(file, entry(digest="e", time=DAY.format(day)))
    assert ledger.verify(file) == []
    assert ledger.verify(file, remembered) == [f"line 6 is another one: {tail}"]
    file.write_bytes(content)
    assert ledger.verify(file, remembered) == []


def test_nothing_is_appended_to_what_was_changed(file: Path) -> None:
    content = file.read_bytes()
    says = f"{file}: its last {{}} was changed after it was written; {ledger_entries.VERIFY}"
    for changed, what in (
        (content[:-1] + b"x", "line"),
        (content.replace(b"rolled-back", b"rolled+back"), "entry"),
    ):
        file.write_bytes(changed)
        assert error_of(ledger.append, file, entry()) == says.format(what)
        assert file.read_bytes() == changed
    file.write_bytes(content[:-1] + b"\n[]\n")
    assert error_of(ledger.append, file, entry()).startswith(f"{file}: an entry was changed after")


def test_what_a_killed_writer_leaves_is_removed_wherever_it_was_killed(file: Path) -> None:
    content = file.read_bytes()
    start = content[:-1].rindex(b"\n") + 1
    for end in range(start + 1, len(content)):
        file.write_bytes(content[:end])
        assert ledger.verify(file) == ["line 6: is incomplete: it was changed, or its writer was killed"]
        ledger.append(file, entry(digest="f"))
        assert ledger.verify(file) == []
        assert len(ledger.read(file)) == (7 if end == len(content) - 1 else 6)


def write(file: Path, times: int, environment: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", WRITER, str(SRC), str(file), str(times), environment]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def test_two_writers_at_once(tmp_path: Path) -> None:
    writers = [write(tmp_path / "l", 15, name) for name in ("DEV", "PROD")]
    acknowledged = {line for writer in writers for line in writer.communicate()[0].split()}
    entries = ledger.read(tmp_path / "l")
    assert (len(entries), {one["digest"] for one in entries}) == (30, acknowledged)
    assert ledger.verify(tmp_path / "l") == []


def test_killed_writers_leave_a_chain_that_holds(tmp_path: Path) -> None:
    file, chance, acknowledged = tmp_path / "l", random.Random(7), list[str]()
    for _ in range(KILLS):
        killed, other = write(file, 10**6, "DEV"), write(file, 3, "PROD")
        assert killed.stdout
        acknowledged += [killed.stdout.readline().strip() for _ in range(chance.randint(1, 5))]
        pause_for(chance.random() * 0.003)
        killed.kill()
        acknowledged += [*killed.communicate()[0].split()[:-1], *other.communicate()[0].split()]
        ledger.append(file, entry())
        assert ledger.verify(file, whole_head(file)) == []
        assert set(acknowledged) <= {one["digest"] for one in ledger.read(file)}


def pause_for(seconds: float) -> None:
    """Compute for a while: a sleep is longer than what one append takes."""
    until = process_time() + seconds
    while process_time() < until:
        pass


def grown(file: Path, length: int) -> list[Entry]:
    """Write a long ledger at once; appending forces each entry to the disk. Return what served in PROD."""
    previous, serving, served, lines = None, dict[str, int](), list[Entry](), []
    for number in range(1, length + 1):
        environment = "PROD" if number == 1 or number % 97 == 0 else "DEV"
        event = "promoted" if number % 2 else "rejected"
        if event == "promoted":
            serving = {**serving, f"{environment}/flights": number}
        time = (datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=number)).isoformat()
        one = entry(event, environment=environment, version=None, decision_digest="d" * 64, number=number)
        one |= {"time": time, "previous": previous, "serving": serving}
        previous = one["digest"] = ledger_entries.digest_of(one)
        lines.append(ledger_entries.line_of(one))
        served += [one] if environment == "PROD" and event == "promoted" else []
    file.write_bytes(b"".join(lines))
    return served


def counted(entries: Sequence[Entry], time: str, patch: pytest.MonkeyPatch) -> tuple[Entry | None, int]:
    """Return what served, and how many lines were read to know it."""
    parsed, lines = ledger_entries.parsed, list[bytes]()

    def noted(line: bytes) -> Entry | None:
        lines.append(line)
        return parsed(line)

    with patch.context() as within:
        within.setattr(ledger_entries, "parsed", noted)
        return ledger.served_at(entries, time, "PROD", "flights"), len(lines)


def test_a_long_ledger_answers_as_fast_as_a_short_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = grown(tmp_path / "l", LENGTH)
    size = (tmp_path / "l").stat().st_size
    for one in (served[0], served[-1]):
        found, lines = counted(ledger.read(tmp_path / "l"), one["time"], monkeypatch)
        assert found == one
        assert lines < 30 * size.bit_length()
    if FULL:
        began = process_time()
        ledger.serving(ledger.read(tmp_path / "l"), served[len(served) // 2]["time"])
        print(f"{LENGTH} entries, {size / 1e6:.0f} MB: {1000 * (process_time() - began):.1f} ms")
        assert ledger.verify(tmp_path / "l") == []
