"""Faults that a running hub survives: killed processes, lost answers, storage and systems that are away."""
