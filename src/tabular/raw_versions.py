"""Versions of rows: what a delivery adds to what is known, the same in whatever order deliveries come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from support import step

SINCE, UNTIL, AGAIN, DIGEST = "known_since", "known_until", "known_again", "row_digest"
BOOKKEEPING = (SINCE, UNTIL, AGAIN, DIGEST)
MATCH = "match_since"  # the time by which a version that changes is found; missing for one that is new


@dataclass(frozen=True)
class Changes:
    """What a delivery changes."""

    # versions to insert (`match_since` missing), whole rows, or to update, of which the bookkeeping counts
    versions: pd.DataFrame
    # whether a version to insert repeats the values of a known one: then `known` must hold whole rows
    splits: bool
    rows: int  # delivered
    new: int  # of keys that were not known
    duplicate: int  # that say what is known
    corrected: int  # with other values of known keys


def changes(
    known: pd.DataFrame, delivered: pd.DataFrame, key: Sequence[str], time: datetime, where: str
) -> Changes:
    """Return what a delivery changes in the known versions of its keys.

    A version of a row is known since the first delivery that says it until the next that says otherwise, and
    keeps the times of those between them that said it again: with them every order of collecting the same
    deliveries leads to the same versions.

    Parameters
    ----------
    known : DataFrame
        All versions of the delivered keys: key and `BOOKKEEPING`, and all columns where versions are split.
    delivered : DataFrame
        The delivered rows with their `row_digest`.
    key : sequence of str
        Columns that identify a row.
    time : datetime
        Since when the delivery is known.
    where : str
        The delivery, for messages.

    Raises
    ------
    StepError
        When rows of one key differ within the delivery, or from another delivery of the same time.
    """
    names, rows = list(key), len(delivered)
    delivered = delivered.drop_duplicates([*names, DIGEST])
    _check_unambiguous(delivered, names, f"{where}: rows of the same delivery differ")
    pool = pd.concat([known, delivered.assign(**{SINCE: np.datetime64(time, "us")})], ignore_index=True)
    statements = _statements(pool, len(known))
    statements["group"] = pool.groupby(names, sort=False).ngroup().to_numpy()[statements["row"]]
    statements = statements.drop_duplicates(["group", "time", DIGEST])
    twice = statements[statements.duplicated(["group", "time"], keep=False)]
    if len(twice):
        other = f"{where}: what is known since the same time, {time.isoformat()}, differs"
        _check_unambiguous(pool.loc[twice["row"]], names, other)
    runs = _runs(statements)
    is_known_key = runs.groupby("group")["is_known"].transform("any")
    added = ~runs["is_known"]
    split = added & (
        runs["row"] < len(known)
    )  # what is said after the delivery as it was before: a new version
    new, corrected = int((added & ~is_known_key).sum()), int((added & is_known_key & ~split).sum())
    versions = _changed(pool, runs)
    return Changes(versions, bool(split.any()), rows, new, rows - new - corrected, corrected)


def _check_unambiguous(rows: pd.DataFrame, names: list[str], problem: str) -> None:
    twice = rows[rows.duplicated(names)]
    if len(twice):
        example = ", ".join(f"{name} {step.show(twice[name].iloc[0])}" for name in names)
        fix = "keep one of them, or deliver the correction with a later --delivery-time"
        raise step.StepError(f"{problem} in {len(twice)} keys, such as {example}: {fix}")


def _statements(pool: pd.DataFrame, known: int) -> pd.DataFrame:
    """Return who said what when: a line for each time of each version, with its row in `pool`."""
    rows = pd.DataFrame({"row": np.arange(len(pool)), "time": pool[SINCE], DIGEST: pool[DIGEST]})
    rows["is_start"] = rows["row"] < known
    again = pool[AGAIN].iloc[:known].explode().dropna() if known else pd.Series(dtype=object)
    later = pd.DataFrame({"row": again.index.to_numpy("int64"), "time": again.to_numpy("datetime64[us]")})
    later[DIGEST], later["is_start"] = pool[DIGEST].to_numpy()[later["row"]], False
    both = pd.concat([rows, later], ignore_index=True) if len(later) else rows
    both["is_known"] = both["row"] < known
    # of equal statements the known one stays
    return both.sort_values(["time", "is_known"], ascending=[True, False], kind="stable")


def _runs(statements: pd.DataFrame) -> pd.DataFrame:
    """Return one line for each version: consecutive equal statements about the same key."""
    ordered = statements.sort_values(["group", "time"], kind="stable", ignore_index=True)
    same_key = ordered["group"].eq(ordered["group"].shift())
    starts = ~(same_key & ordered[DIGEST].eq(ordered[DIGEST].shift()))
    run = starts.cumsum() - 1
    runs = ordered[starts].reset_index(drop=True)
    runs["again"] = (
        ordered[~starts].groupby(run[~starts])["time"].agg(list).reindex(runs.index).astype(object)
    )
    runs["says"] = ordered.groupby(run).size()
    runs["is_known"] = ordered.groupby(run)["is_start"].any()
    owners = ordered[ordered["is_start"]]
    runs["match"] = owners.groupby(run[owners.index])["row"].first().reindex(runs.index)
    runs["said"] = runs["match"].map(ordered.groupby("row").size())
    runs["until"] = runs["time"].shift(-1).where(runs["group"].eq(runs["group"].shift(-1)))
    return runs


def _changed(pool: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the versions that differ from the known ones, as whole rows."""
    versions = pool.loc[runs["row"]].reset_index(drop=True)
    old = pool.reindex(runs["match"]).reset_index(drop=True)
    versions[MATCH] = old[SINCE].astype("datetime64[us]")
    versions[SINCE], versions[UNTIL] = (runs[name].astype("datetime64[us]") for name in ("time", "until"))
    versions[AGAIN] = runs["again"]
    same_until = versions[UNTIL].eq(old[UNTIL]) | (versions[UNTIL].isna() & old[UNTIL].isna())
    same = versions[SINCE].eq(old[SINCE]) & same_until & runs["says"].eq(runs["said"])
    return versions[~(same & runs["match"].notna())].reset_index(drop=True)
