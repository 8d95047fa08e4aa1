"""A model behind HTTP on this machine: Azure ML's inference server with a front of our own around it."""
