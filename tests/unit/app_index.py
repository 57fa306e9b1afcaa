"""The app's functions as Microsoft's library sees them. It can be asked only once in a process."""

from __future__ import annotations

import json
from typing import Any

import function_app

FUNCTIONS = {function.get_function_name(): function for function in function_app.app.get_functions()}


def triggers() -> list[dict[str, Any]]:
    """Each function's trigger, as plain values."""
    return [json.loads(json.dumps(f.get_trigger().get_dict_repr(), default=str)) for f in FUNCTIONS.values()]
