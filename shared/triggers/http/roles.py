"""What a caller may do. Each role may do all that the ones before it may."""

from __future__ import annotations

from enum import IntEnum


class Role(IntEnum):
    """The roles of the API, as they are called in the app registration: :attr:`claim`."""

    READ = 1  # lists, status, explain, previews without values
    OPERATE = 2  # Sync Now, marks, retry, resolve, values in previews
    ADMIN = 3  # settings, schedules, set-up, initialize, links, templates

    @property
    def claim(self) -> str:
        """Its name in a token: Hub.Read, Hub.Operate, Hub.Admin."""
        return f"Hub.{self.name.capitalize()}"
