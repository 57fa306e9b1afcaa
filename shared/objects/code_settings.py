"""The settings of codes that the two sides may spell differently: currencies, countries, states."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.objects.settings import OneToOne, TemplateSettings

type IsoCurrency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
type Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class CodeSettings(TemplateSettings):
    """What an admin says about SAP's codes where the other system has others."""

    currencies: OneToOne[str, IsoCurrency] = Field(
        default_factory=dict,
        title="Currencies",
        description='SAP\'s currency code to its ISO code, where the two differ. Example: {"$": "USD"}',
    )
    countries: OneToOne[str, Words] = Field(
        default_factory=dict,
        title="Countries",
        description=(
            "SAP's country code to its spelling in the other system, where that is neither the name nor the code "
            'in SAP\'s list of countries. Example: {"GB": "Great Britain"}'
        ),
    )
    states: dict[str, OneToOne[str, Words]] = Field(
        default_factory=dict,
        title="States",
        description=(
            "Per country code, SAP's state code to its spelling in the other system, where that is neither the name "
            'nor the code in SAP\'s list of states. Example: {"US": {"CA": "Calif."}}'
        ),
    )
    regions_as: Literal["name", "code"] = Field(
        default="name",
        title="Write countries and states as",
        description="Whether the other system gets the names or the codes of countries and states; it may contain both",
    )
