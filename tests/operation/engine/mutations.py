"""Seeded mutations of a source text: of one token, or of its comments, docstrings and formatting alone."""

from __future__ import annotations

import ast
import io
import keyword
import random
import tokenize
from collections.abc import Sequence

SWAPS = {
    "+": "-",
    "-": "+",
    "*": "+",
    "/": "//",
    "//": "/",
    "**": "*",
    "==": "!=",
    "!=": "==",
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "and": "or",
    "or": "and",
    "in": "not in",
    "True": "False",
    "False": "True",
    "None": "0",
    "if": "if not",
}
PLAIN = {tokenize.OP, tokenize.NAME, tokenize.NUMBER}


def tokens(text: str) -> list[tokenize.TokenInfo]:
    """Return the tokens of `text`."""
    return list(tokenize.generate_tokens(io.StringIO(text).readline))


def mutate_token(text: str, rng: random.Random, within: str = "") -> str:
    """Return `text` with one token changed so that it still parses, to another syntax tree.

    Parameters
    ----------
    within : str, default=""
        Only tokens of lines that hold these words.
    """
    all_tokens = [one for one in tokens(text) if within in one.line]
    names = sorted({one.string for one in all_tokens if one.type == tokenize.NAME} - set(keyword.kwlist))
    before = ast.dump(ast.parse(text))
    while True:
        token = rng.choice(all_tokens)
        mutated = _put(text, token, _other(token, names, rng))
        try:
            if ast.dump(ast.parse(mutated)) != before:
                return mutated
        except SyntaxError:
            continue


def _other(token: tokenize.TokenInfo, names: Sequence[str], rng: random.Random) -> str:
    if token.string in SWAPS:
        return SWAPS[token.string]
    if token.type == tokenize.NUMBER:
        return f"({token.string} + {rng.randint(1, 9)})"
    if token.type == tokenize.STRING:
        return f"{token.string[:-1]}{rng.choice('abcxyz')}{token.string[-1]}"
    if token.type == tokenize.NAME and not keyword.iskeyword(token.string) and rng.random() < 0.15:
        return rng.choice(names)
    return token.string


def mutate_format(text: str, rng: random.Random) -> str:
    """Return `text` with a comment, a blank line or a space more, or with other line ends."""
    kind = rng.choice(["comment", "line", "blank", "space", "ends"])
    ends = [one for one in tokens(text) if one.type == tokenize.NEWLINE]
    if kind == "ends":
        return text.replace("\n", "\r\n")
    if kind == "space":
        inner = [
            one
            for one in tokens(text)
            if one.type == tokenize.OP and one.line[: one.start[1]].strip() and one.string != ":"
        ]
        token = rng.choice(inner)
        return _put(text, token, f"  {token.string} ")
    words = {"comment": f"  # {rng.random()}\n", "line": f"\n# {rng.random()}\n", "blank": "\n\n"}
    return _put(text, rng.choice(ends), words[kind])


def mutate_docstring(text: str, rng: random.Random) -> str:
    """Return `text` with another docstring of its module or of one of its definitions, or with one more."""
    kinds = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]
    node = rng.choice([node for node in nodes if node.body])
    first, words = node.body[0], f'"""Says {rng.random()}."""'
    lines = text.splitlines(keepends=True)
    line, column = first.lineno - 1, first.col_offset
    if ast.get_docstring(node) is not None and isinstance(first, ast.Expr):
        lines[line : first.end_lineno] = [f"{' ' * column}{words}\n"]
        return "".join(lines)
    if getattr(node, "lineno", 0) == first.lineno:  # def f(): return 1
        return text
    line = min([line, *(one.lineno - 1 for one in getattr(first, "decorator_list", ()))])
    lines.insert(line, f"{' ' * column}{words}\n")
    return "".join(lines)


def _put(text: str, token: tokenize.TokenInfo, new: str) -> str:
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    begin = starts[token.start[0] - 1] + token.start[1]
    end = starts[token.end[0] - 1] + token.end[1]
    return text[:begin] + new + text[end:]
