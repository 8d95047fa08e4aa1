"""Twelve months of a shop as deliveries: 3 % of the rows delivered again later, 1 % corrected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

WORDS = ["--key", "order", "--event-time", "ordered", "--deliveries"]


def write_months(folder: Path, rows: int) -> list[Path]:
    """Write a CSV file of about `rows` rows for each month of 2013, a column more from July on."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    files, earlier = [], pd.DataFrame()
    for month in pd.period_range("2013-01", "2013-12", freq="M"):
        start = len(earlier)
        minutes = rng.integers(0, 28 * 24 * 60, rows)
        own = pd.DataFrame(
            {
                "order": np.arange(start, start + rows),
                "ordered": (month.start_time + pd.to_timedelta(minutes, "min")).astype(str),
                "customer": [f"customer-{number}" for number in rng.integers(0, rows, rows)],
                "amount": np.where(rng.random(rows) < 0.1, np.nan, rng.integers(1, 500, rows)),
                "note": rng.choice(["", "gift", "late"], rows),
            }
        )
        if month.month >= 7:
            own["discount"] = rng.random(rows).round(2)
        again = earlier.sample(max(1, rows * 3 // 100), random_state=month.month) if start else earlier
        corrected = earlier.sample(max(1, rows // 100), random_state=50 + month.month) if start else earlier
        corrected = corrected.drop(index=again.index, errors="ignore")
        if len(corrected):
            corrected = corrected.assign(amount=corrected["amount"].fillna(0) + month.month + 0.5)
        delivered = pd.concat([own, again, corrected], ignore_index=True)[own.columns]
        files.append(folder / f"orders-{month}.csv")
        delivered.sample(frac=1, random_state=1).to_csv(files[-1], index=False)
        earlier = pd.concat([earlier, own], ignore_index=True)
        if start:
            earlier.loc[corrected.index, "amount"] = corrected["amount"]
    return files
