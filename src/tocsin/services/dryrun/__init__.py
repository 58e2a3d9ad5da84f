"""Dry runs: everything that a run would read is read, and everything that it would change is shown instead."""
