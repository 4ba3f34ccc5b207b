"""Measurements and studies: each module is a command, and says in its docstring what it measures."""

MADE_WITH = ("data", "code", "torch", "device", "threads")  # of a run's provenance, what stands beside its results
