"""The library that the command line, the ops scripts and the notebooks share."""
