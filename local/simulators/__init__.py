"""Simulators of the systems the hub connects, for tests, the demo and the benchmark; all run in memory on loopback."""
