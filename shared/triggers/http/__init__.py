"""The HTTP API: one module per resource, each with its routes as a blueprint."""

from __future__ import annotations

import azure.functions as func

from shared.triggers.http import explain, failures, health, links, marks, objects, runs, templates, tieout

BLUEPRINTS: tuple[func.Blueprint, ...] = tuple(
    module.routes.blueprint for module in (templates, objects, runs, marks, links, failures, explain, tieout, health)
)
