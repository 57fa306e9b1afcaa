"""The HTTP API: one module per resource, each with its routes as a blueprint."""

from __future__ import annotations

import azure.functions as func

from shared.triggers.http import explain, failures, health, links, marks, objects, runs, templates, tieout
from shared.triggers.http.calls import Operation

_MODULES = (templates, objects, runs, marks, links, failures, explain, tieout, health)

BLUEPRINTS: tuple[func.Blueprint, ...] = tuple(module.routes.blueprint for module in _MODULES)
#: Every route that is served, in the order in which they are registered.
OPERATIONS: tuple[Operation, ...] = tuple(each for module in _MODULES for each in module.routes.operations)
