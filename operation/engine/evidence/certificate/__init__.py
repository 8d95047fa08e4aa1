"""Certificates: several ways of running a step, and whether they gave the same bytes."""
