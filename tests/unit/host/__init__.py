"""The local functions host, module by module."""
