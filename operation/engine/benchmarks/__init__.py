"""Measures the workbench beside the tools that people know: in turn, from a cold start, all costs counted.

`contender` says what is measured, `rounds` measures it, `summary` makes figures of it, `subjects` holds what
is compared; `peers` is the environment of the other tools, `workplace` the project that all work in.
"""
