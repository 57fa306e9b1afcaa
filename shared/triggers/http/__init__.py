"""The HTTP API: one module per resource, each with its routes as a blueprint."""

from __future__ import annotations

import azure.functions as func

from shared.triggers.http import explain, failures, health, links, marks, objects, runs, templates, tieout
from shared.triggers.http.calls import Operation
from shared.triggers.http.description import describing

_RESOURCES = (templates, objects, runs, marks, links, failures, explain, tieout, health)
_ROUTES = (*(resource.routes for resource in _RESOURCES), describing(lambda: OPERATIONS))

BLUEPRINTS: tuple[func.Blueprint, ...] = tuple(routes.blueprint for routes in _ROUTES)
#: Every route that is served, in the order in which they are registered.
OPERATIONS: tuple[Operation, ...] = tuple(each for routes in _ROUTES for each in routes.operations)
