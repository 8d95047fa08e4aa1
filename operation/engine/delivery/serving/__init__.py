"""A model behind HTTP: one web application around ``src/score.py``, on this machine and in an image."""
