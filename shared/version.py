"""Which version of the hub this is."""

VERSION = "0.1.0"
