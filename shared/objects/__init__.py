"""The objects that travel: pure knowledge, no I/O."""
