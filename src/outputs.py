"""What a model says, named: the same columns in batch and online scoring."""

from __future__ import annotations

from typing import Any

import numpy as np


def named(
    predicted: np.ndarray[Any, Any], classes: list[str], threshold: float
) -> dict[str, np.ndarray[Any, Any]]:
    """Return the columns of the scores.

    Parameters
    ----------
    predicted : ndarray of shape (rows,) or (rows, classes)
        Numbers, or a probability for each class.
    classes : list of str
        Names of the classes, the positive one of two last; empty for regression.
    threshold : float
        For two classes, the probability from which on a row is of the positive one.

    Returns
    -------
    dict of str to ndarray of shape (rows,)
        prediction: a number, or the name of a class; for two classes probability (of the positive one), for
        more probability_<class>.
    """
    if predicted.ndim == 1:
        return {"prediction": predicted}
    names = np.array(classes, dtype=object)
    if len(names) == 2:
        probability = predicted[:, 1]
        return {"prediction": names[(probability >= threshold).astype(int)], "probability": probability}
    columns = {f"probability_{name}": predicted[:, code] for code, name in enumerate(names)}
    return {"prediction": names[predicted.argmax(axis=1)], **columns}
