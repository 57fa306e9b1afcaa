"""Answers about templates: which there are, their settings, their lists, set-up."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from shared.ports import SideName
from shared.triggers.http.answers.base import Answer, Moment, Page


class Template(Answer):
    """One configured connection."""

    id: str = Field(title="Template", description="Its id; it never changes")
    type: str = Field(description="What it connects SAP with")
    title: str = Field(description="Its type in words")
    created_at: Moment = Field(description="When it was made")
    changed_by: str | None = Field(description="Who made it or saved its settings last")
    objects: list[str] = Field(description="What travels, in the order in which it is initialized")


class TemplateList(Page):
    """All templates, by id."""

    items: list[Template] = Field(title="Templates", description="The templates")


class Missing(Answer):
    """A setting that must be set first."""

    setting: str = Field(description="Its name")
    text: str = Field(description="What to do")


class Settings(Answer):
    """A template's settings, and what each object still needs."""

    template: str = Field(description="The template's id")
    type: str = Field(description="The template's type")
    settings: dict[str, Any] = Field(description="All settings, with their defaults")
    changed_by: str | None = Field(description="Who saved them last")
    missing: dict[str, list[Missing]] = Field(description="Per object, what must be set before it can be initialized")


class TemplateSettings(Settings):
    """A template's settings, what each object still needs, and what settings there are."""

    schema_: dict[str, Any] = Field(
        alias="schema", title="Schema", description="The JSON Schema that settings of this type follow"
    )


class SavedSettings(Settings):
    """The settings as they were saved."""

    unchecked: list[str] = Field(description="Lists that could not be read, so that their codes were not checked")


class ListName(Answer):
    """A list that settings refer to."""

    list: str = Field(description="Its name")
    side: SideName = Field(description="Where it is read")


class ListNames(Page):
    """The lists that settings of this template refer to."""

    items: list[ListName] = Field(title="Lists", description="The lists")


class ListRows(Page):
    """A list as its system has it now."""

    items: list[dict[str, Any]] = Field(title="Rows", description="The rows, with the columns that their system has")


class SetupStep(Answer):
    """One thing that set-up looked at."""

    what: str = Field(description="What was looked at")
    state: Literal["ok", "created", "todo"] = Field(description="todo: somebody must do what text says")
    text: str = Field(description="What an admin must do, if anything")


class SetupResult(Answer):
    """What set-up found, and what is left to do."""

    done: bool = Field(description="Whether nothing is left to do")
    steps: list[SetupStep] = Field(description="All that was looked at")
