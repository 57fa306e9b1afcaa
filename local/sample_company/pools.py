"""Pools of invented names, streets and towns in several languages, drawn once and then combined.

faker per field would take minutes for 50,000 partners; pools of a few dozen per language take a moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from faker import Faker

POOL_SIZE = 40

# (locale, country, states a town may lie in, currency, dialling code)
_REGIONS = (
    ("de_DE", "DE", ("BY", "HH"), "EUR", "49"),
    ("de_AT", "AT", (), "EUR", "43"),
    ("fr_FR", "FR", (), "EUR", "33"),
    ("es_ES", "ES", (), "EUR", "34"),
    ("pl_PL", "PL", (), "EUR", "48"),
    ("it_IT", "IT", (), "EUR", "39"),
    ("en_GB", "GB", (), "GBP", "44"),
    ("en_US", "US", ("CA", "NY", "TX", "WA"), "USD", "1"),
    ("ja_JP", "JP", (), "USD", "81"),
    ("zh_CN", "CN", (), "USD", "86"),
)
HAND_MADE_NAMES = (
    "O'Neill & Sons Ltd",
    "Café de l'Étoile",
    "Bäckerei Özdemir ",
    "D'Angelo S.p.A.",
    "Żółta Łódź Sp. z o.o.",
    "株式会社さくら商事",
    "北京星光贸易有限公司",
    "100% Öko / Bio \\ Hof #1?",
)


@dataclass(frozen=True)
class Region:
    """Invented texts of one country."""

    country: str
    states: tuple[str, ...]
    currency: str
    dialling_code: str
    companies: tuple[str, ...]
    streets: tuple[str, ...]
    towns: tuple[str, ...]
    zip_codes: tuple[str, ...]
    people: tuple[tuple[str, str], ...]


@cache
def draw_pools(seed: int) -> tuple[Region, ...]:
    """The pools for a seed, always the same."""
    return tuple(_draw(seed, *region) for region in _REGIONS)


def _draw(seed: int, locale: str, country: str, states: tuple[str, ...], currency: str, dialling_code: str) -> Region:
    fake = Faker(locale)
    if locale == "it_IT":
        _sort_towns(fake)
    fake.seed_instance(f"{seed}/{locale}")
    names = tuple(fake.company()[:80] for _ in range(POOL_SIZE))
    return Region(
        country=country,
        states=states,
        currency=currency,
        dialling_code=dialling_code,
        companies=names,
        streets=tuple(fake.street_address().replace("\n", " ")[:90] for _ in range(POOL_SIZE)),
        towns=tuple(fake.city()[:60] for _ in range(POOL_SIZE)),
        zip_codes=tuple(fake.postcode()[:20] for _ in range(POOL_SIZE)),
        people=tuple((fake.first_name()[:40], fake.last_name()[:40]) for _ in range(POOL_SIZE)),
    )


def _sort_towns(fake: Faker) -> None:
    """Faker keeps Italian towns in the order of a set, another one in every process."""
    provider: Any
    for provider in fake.get_providers():
        if hasattr(provider, "cities"):
            provider.cities = sorted(provider.cities)


def phone(region: Region, random: Random) -> str:
    """An invented number."""
    return f"+{region.dialling_code} {random.randrange(20, 99)} {random.randrange(10**6, 10**7)}"
