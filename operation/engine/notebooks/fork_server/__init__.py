"""Kernels forked from a process that has the libraries imported; each is then the stock ipykernel."""
