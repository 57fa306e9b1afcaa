"""Routes of templates: which there are, their settings, set-up."""

from __future__ import annotations

from typing import Any

from pydantic import Field, RootModel

from shared.sync import configure
from shared.triggers.http.answers.templates import (
    ListNames,
    ListRows,
    SavedSettings,
    SetupResult,
    Template,
    TemplateList,
    TemplateSettings,
)
from shared.triggers.http.calls import Call, Nothing, Reply, Routes, Strict
from shared.triggers.http.roles import Role

routes = Routes()


class NewTemplate(Strict):
    """A template to be made; the settings may come later."""

    id: str = Field(title="Template", description="Its id: lower case letters, digits and hyphens; it never changes")
    type: str = Field(description="dynamics or tagrain")
    settings: dict[str, Any] = Field(default_factory=dict, description="Its settings; they may come later")


class Settings(RootModel[dict[str, Any]]):
    """The settings themselves; their type's own model checks them."""


@routes.on(
    "GET", "templates", query=Nothing, body=Nothing, role=Role.READ, title="List templates", answers={200: TemplateList}
)
async def templates_list(call: Call[Nothing, Nothing]) -> Reply:
    """All templates."""
    return Reply({"items": await configure.list_templates(call.hub), "continuation": None})


@routes.on(
    "POST",
    "templates",
    query=Nothing,
    body=NewTemplate,
    role=Role.ADMIN,
    title="Create a template",
    answers={201: Template},
    refusals=(409,),
)
async def templates_create(call: Call[Nothing, NewTemplate]) -> Reply:
    """A new template: 201."""
    new = call.body
    return Reply(await configure.create_template(call.hub, new.id, new.type, new.settings), 201)


@routes.on(
    "GET",
    "templates/{template}/settings",
    query=Nothing,
    body=Nothing,
    role=Role.READ,
    title="Get settings",
    answers={200: TemplateSettings},
    refusals=(404,),
)
async def settings_get(call: Call[Nothing, Nothing]) -> Reply:
    """The settings, what is missing per object, and the schema they follow."""
    return Reply(await configure.get_settings(call.hub, call.template))


@routes.on(
    "PUT",
    "templates/{template}/settings",
    query=Nothing,
    body=Settings,
    role=Role.ADMIN,
    title="Save settings",
    answers={200: SavedSettings},
    refusals=(404, 409),
)
async def settings_put(call: Call[Nothing, Settings]) -> Reply:
    """Replace the settings after checking them in SAP and on the other side."""
    return Reply(await configure.save_settings(call.hub, call.template, call.body.root))


@routes.on(
    "GET",
    "templates/{template}/lists",
    query=Nothing,
    body=Nothing,
    role=Role.READ,
    title="List the lists that settings refer to",
    answers={200: ListNames},
    refusals=(404,),
)
async def lists_names(call: Call[Nothing, Nothing]) -> Reply:
    """The lists that settings refer to: groups, price lists, units, tax codes of both sides."""
    return Reply({"items": await configure.list_names(call.hub, call.template), "continuation": None})


@routes.on(
    "GET",
    "templates/{template}/lists/{list}",
    query=Nothing,
    body=Nothing,
    role=Role.READ,
    title="Get a list that settings refer to",
    answers={200: ListRows},
    refusals=(404, 422),
)
async def lists_rows(call: Call[Nothing, Nothing]) -> Reply:
    """One of them, read now."""
    rows = await configure.list_rows(call.hub, call.template, call.path["list"])
    return Reply({"items": rows, "continuation": None})


@routes.on(
    "POST",
    "templates/{template}/setup",
    query=Nothing,
    body=Nothing,
    role=Role.ADMIN,
    title="Set up both systems",
    answers={200: SetupResult},
    refusals=(404,),
)
async def setup(call: Call[Nothing, Nothing]) -> Reply:
    """Create and check what the hub needs in both systems; what is left to do is listed."""
    steps = await configure.set_up(call.hub, call.template)
    return Reply({"done": all(step.state != "todo" for step in steps), "steps": steps})
