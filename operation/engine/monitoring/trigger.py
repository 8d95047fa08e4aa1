"""The trigger: what speaks for training a new model now, and what against it. Pure: time is an argument."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal, NamedTuple

from operation.engine.configuration.models import Monitor

Side = Literal["for", "against", "neither"]
DRIFT = "drift"  # the verdict of detect_drift that counts


@dataclass(frozen=True)
class Signals:
    """What is known when it is decided."""

    time: datetime  # of the decision, with its zone
    rows: int  # that are known in all
    training_rows: int  # that a new model could be trained on
    champion: str | None = None  # digest of the model that serves; None: there is none yet
    since: datetime | None = None  # when the champion began to serve
    drift: str = ""  # verdict on outputs, labels and features; empty where nothing was compared
    changed: tuple[str, ...] = ()  # what drifted, the surest first
    decay: str = ""  # verdict on the losses; empty where nothing was compared
    loss: tuple[float, ...] = ()  # the champion's loss before and now, empty where no label is known
    note: str = ""  # why something was not compared

    @property
    def seen(self) -> frozenset[str]:
        """What this look has seen of that which must be seen several times."""
        worse = self.decay == DRIFT and bool(self.loss) and self.loss[1] > self.loss[0]
        return frozenset(["drift"] * (self.drift == DRIFT) + ["decay"] * worse)


class Check(NamedTuple):
    """An earlier decision."""

    time: datetime
    rows: int
    seen: frozenset[str]
    trained: bool  # a model was trained then, whatever the gate said of it
    cpu_minutes: float = 0.0


class Reason(NamedTuple):
    """One line of the table."""

    name: str
    side: Side
    text: str


def reasons(settings: Monitor, now: Signals, past: Sequence[Check]) -> list[Reason]:
    """Return what speaks for and against training at this time, and what could have but does not.

    Parameters
    ----------
    settings : Monitor
        Thresholds; what is not set is left out.
    now : Signals
        What is known.
    past : sequence of Check
        Earlier decisions, oldest first.
    """
    trainings = [check for check in past if check.trained]
    last = trainings[-1] if trainings else None
    return [*_for(settings, now, past, last), *_against(settings, now, trainings, last)]


def decide(table: Sequence[Reason]) -> tuple[bool, str]:
    """Return whether to train, and the sentence that argues.

    >>> decide([Reason("age", "for", "the champion is 90 days old"), Reason("budget", "against", "spent")])
    (False, 'Wait: spent (against: the champion is 90 days old).')
    """
    sides = {side: "; ".join(row.text for row in table if row.side == side) for side in ("for", "against")}
    if not sides["for"]:
        return False, "Wait: nothing speaks for training."
    if sides["against"]:
        return False, f"Wait: {sides['against']} (against: {sides['for']})."
    return True, f"Train: {sides['for']}."


def _for(settings: Monitor, now: Signals, past: Sequence[Check], last: Check | None) -> Iterator[Reason]:
    if now.champion is None:
        yield Reason("champion", "for", "no model serves yet")
    if settings.new_share is not None:
        yield _new_data(settings.new_share, now, last)
    since_training = past[past.index(last) + 1 :] if last else past
    for name, wanted in (("drift", settings.drift), ("decay", settings.decay)):
        if wanted and now.champion:
            yield _noisy(name, settings.debounce, now, since_training)
    if settings.max_age_days is not None and now.since:
        days = (now.time - now.since) / timedelta(days=1)
        text = f"the champion is {days:.0f} days old, {settings.max_age_days:g} are allowed"
        yield Reason("age", "for" if days > settings.max_age_days else "neither", text)
    begin = last.time if last else now.since
    if settings.every and begin:
        is_due = period_of(begin, settings.every) != period_of(now.time, settings.every)
        text = f"a model is trained every {settings.every}, last on {begin:%Y-%m-%d}"
        yield Reason("schedule", "for" if is_due else "neither", text)


def _new_data(share: float, now: Signals, last: Check | None) -> Reason:
    if last is None:
        return Reason("new data", "neither", f"{now.rows:,} rows are known, and no earlier training")
    new = now.rows - last.rows
    text = (
        f"{new:,} rows are new since the training on {last.time:%Y-%m-%d}, {_share(new, last.rows)} of those"
    )
    return Reason("new data", "for" if new >= share * last.rows else "neither", f"{text} known then")


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "none"


def _noisy(name: str, debounce: int, now: Signals, past: Sequence[Check]) -> Reason:
    """Return the reason that counts once it was seen in `debounce` checks in a row, this one included."""
    verdict = now.drift if name == "drift" else now.decay
    if name not in now.seen:
        text = verdict or now.note or "nothing to compare"
        text = "the losses changed, and are not larger" if name == "decay" and verdict == DRIFT else text
        return Reason(name, "neither", f"{name}: {text}")
    row = 1
    for check in reversed(past):
        if name not in check.seen:
            break
        row += 1
    what = f"drift of {', '.join(now.changed[:3])}" if name == "drift" else _losses(now)
    if row >= debounce:
        return Reason(name, "for", f"{what}, in {row} checks in a row")
    return Reason(name, "neither", f"{what}, in {row} of the {debounce} checks in a row that count")


def _losses(now: Signals) -> str:
    before, after = now.loss
    return f"the loss grew from {before:.3g} to {after:.3g}"


def _against(
    settings: Monitor, now: Signals, trainings: Sequence[Check], last: Check | None
) -> Iterator[Reason]:
    if now.training_rows < settings.min_rows:
        text = f"{now.training_rows:,} rows to train on, fewer than {settings.min_rows:,}"
        yield Reason("rows", "against", text)
    if last and now.rows <= last.rows:
        yield Reason("rows", "against", f"no row is new since the training on {last.time:%Y-%m-%d}")
    if last and settings.cooldown_days:
        days = (now.time - last.time) / timedelta(days=1)
        text = f"{days:.0f} days since the last training, cooldown is {settings.cooldown_days:g}"
        yield Reason("cooldown", "against" if days < settings.cooldown_days else "neither", text)
    if settings.cpu_minutes is not None:
        yield _budget(settings, now.time, trainings)
    for hours in settings.quiet_hours:
        side: Side = "against" if is_quiet(now.time, hours) else "neither"
        yield Reason("quiet hours", side, f"{hours} UTC, it is {now.time:%H:%M}")


def _budget(settings: Monitor, time: datetime, trainings: Sequence[Check]) -> Reason:
    begin = time - timedelta(days=settings.budget_days)
    spent = sum(check.cpu_minutes for check in trainings if check.time > begin)
    needed = trainings[-1].cpu_minutes if trainings else 0.0
    text = f"{spent:.1f} of {settings.cpu_minutes:g} CPU minutes in {settings.budget_days:g} days are spent"
    is_over = spent + needed > (settings.cpu_minutes or 0)
    return Reason("budget", "against" if is_over else "neither", f"{text}, a training needs {needed:.1f}")


def is_quiet(moment: datetime, hours: str) -> bool:
    """Return whether a time is in hours such as 22:00-06:00, which may reach over midnight.

    >>> [is_quiet(datetime(2026, 1, 31, hour), "22:00-06:00") for hour in (23, 6)]
    [True, False]
    """
    begin, end = (time.fromisoformat(text) for text in hours.split("-"))
    now = moment.time()
    return begin <= now < end if begin <= end else now >= begin or now < end


def period_of(moment: datetime, every: str) -> tuple[int, ...]:
    """Return what changes once a day, week, month, quarter or year is over.

    >>> period_of(datetime(2026, 12, 31), "quarter"), period_of(datetime(2027, 1, 1), "week")
    ((2026, 4), (2026, 53))
    """
    whole = {
        "day": (moment.year, moment.month, moment.day),
        "week": tuple(moment.isocalendar())[:2],
        "month": (moment.year, moment.month),
        "quarter": (moment.year, (moment.month + 2) // 3),
        "year": (moment.year,),
    }
    return whole[every]
