"""What pydantic found wrong with a configuration file, in a sentence that says how to fix it."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from operation.engine.configuration.documents import Value
from operation.engine.foundation.nearest import did_you_mean, listed

# by pydantic's error types, https://docs.pydantic.dev/latest/errors/validation_errors
_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping, lines such as 'name: value'",
    "model_type": "a mapping, lines such as 'name: value'",
    "list_type": "a list, lines such as '- name: 01-explore-data'",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
    "literal_error": "{expected}",
}


def explain(error: Mapping[str, Any], key: str, owner: str, model: type[BaseModel]) -> str:
    """Return an error of pydantic's as a sentence.

    `key` and `owner` are what is wrong, quoted, and what it belongs to, such as ``'inputs' of step 'train'``
    and `` in step 'train'``; `model` has the valid keys.
    """
    last, context = str(error["loc"][-1]), error.get("ctx", {})
    if error["type"] == "extra_forbidden":
        known = [str(field.alias) for field in model.model_fields.values()]
        return f"unknown key '{last}'{owner}: expected {listed(known)}.{did_you_mean(last, known)}"
    if error["type"] == "missing":
        return f"key '{last}' is missing{owner}: add a line '{last}: ...'."
    if error["type"] == "value_error":  # a validator of ours: it says all, and shows nothing that is secret
        return str(context["error"])
    expected = _EXPECTED[error["type"]].format(**context)
    return f"{key}: expected {expected}, found {shown_value(error['input'])}."


def shown_value(value: Value) -> str:
    """Return a value of a file as a message shows it."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    return "nothing" if value is None else repr(value)
