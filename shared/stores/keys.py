"""Partition and row keys: any text in, only what Table Storage allows out."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

# Forbidden in keys ("Understanding the Table service data model"); the rest of _ESCAPED is our own choice.
_FORBIDDEN = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")
_ESCAPED = re.compile(r"[/\\#?%:|]|[^!-}]")
LONGEST_KEY = 1024


def encode_key(text: str) -> str:
    r"""The text as one part of a key, the characters ``/ \ # ? % : | ~``, space, controls and non-ASCII escaped.

    Two texts never share a key. What comes out lies between ``!`` and ``}``, so ``key + "!"`` begins after the key and
    ``prefix + "~"`` ends after all that begin with the prefix; ``:`` and ``|`` are free to stand between parts. The
    order of keys is not the order of the texts.
    ValueError for text that is over 1 KiB once encoded or is not valid Unicode.
    """
    try:
        encoded = _ESCAPED.sub(lambda found: "".join(f"%{byte:02X}" for byte in found.group().encode()), text)
    except UnicodeEncodeError:
        raise ValueError("a key holds half a character (a lone surrogate)") from None
    if len(encoded) > LONGEST_KEY:
        raise ValueError(f"a key of {len(text)} characters is too long for Table Storage (1 KiB once encoded)")
    return encoded


def decode_key(key: str) -> str:
    """The text that :func:`encode_key` made this key from."""
    return unquote_to_bytes(key).decode()


def checked_key(key: object, column: str) -> str:
    """The key itself if Table Storage can hold it, else ValueError that names the column."""
    if not isinstance(key, str):
        raise ValueError(f"{column} must be text")
    if _FORBIDDEN.search(key):
        raise ValueError(f"{column} holds a character that keys forbid; use encode_key")
    if len(key) > LONGEST_KEY:
        raise ValueError(f"{column} is longer than 1 KiB")
    return key
