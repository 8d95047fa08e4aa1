"""Values as people type them behind ``-p`` and ``--grid``: read as in a configuration file, by their type."""

from collections.abc import Collection

import yaml

from operation.engine.configuration.documents import scalar, value_of
from operation.engine.identity.annotations import alternatives

_NOTHING = ("", "~", "null", "Null", "NULL")
_QUOTES = "\"'"


def read_typed(text: str, annotation: str, default: object = None) -> object:
    """Return the value that `text` stands for.

    Parameters
    ----------
    text : str
        As typed.
    annotation : str
        Of the parameter, or the type of an argument; empty: that of `default`.
    default : object, optional
        What the parameters cell assigns.

    Returns
    -------
    object
        Where text is wanted, `text` as it is: ``010``, ``2024-02-01`` and ``[1]`` too. Otherwise what a
        configuration file would make of it, which may be nothing that the annotation names.
    """
    kinds = {name.partition("[")[0] for name in alternatives(annotation)}
    if not annotation and default is not None:
        kinds = {type(default).__name__}
    if "None" in kinds and (text in _NOTHING or (text == "None" and "str" not in kinds)):
        return None
    if "str" in kinds:
        return _text(text, kinds)
    return _value(text)


def _text(text: str, kinds: Collection[str]) -> object:
    """Return `text`, without its quotes; a number or truth value where that is wanted too."""
    if text[:1] in _QUOTES and text[-1:] == text[:1] and isinstance(value := _value(text), str):
        return value
    value = scalar(text)
    is_other = type(value).__name__ in kinds or (type(value) is int and "float" in kinds)
    return value if is_other and value is not None else text


def _value(text: str) -> object:
    try:
        return value_of(text)
    except (yaml.YAMLError, RecursionError):
        return text
