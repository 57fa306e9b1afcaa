"""App settings: Bicep, the code and the sample name the same ones, but for exceptions with a reason."""

from __future__ import annotations

import pytest

from local.infra import expected, settings
from local.infra.bicep import File, read

NAME = "modules/app.bicep"
TEXT = (expected.INFRA / NAME).read_text()


def app(before: str = "", after: str = "") -> File:
    assert before in TEXT
    return read(NAME, TEXT.replace(before, after, 1))


def test_bicep_the_code_and_the_sample_name_the_same() -> None:
    assert settings.problems(app()) == []
    assert all({**settings.ONLY_IN_AZURE, **settings.ONLY_LOCAL, **settings.ONLY_IN_SAMPLE}.values())


@pytest.mark.parametrize("name", sorted(name for name in settings.set_by(app()) if "<" not in name))
def test_a_setting_that_is_removed_from_bicep_is_reported(name: str) -> None:
    line = next(line for line in TEXT.splitlines(keepends=True) if line.startswith(f"  {name}: "))
    assert f"{NAME}: {name} is missing" in settings.problems(app(line))


def test_the_pair_of_a_connection_is_a_setting_too() -> None:
    assert settings.problems(app("union(settings, tagrainUrls, tagrainKeys)", "union(settings, tagrainUrls)")) == [
        f"{NAME}: TAGRAIN_<NAME>_API_KEY is missing"
    ]
    assert f"{NAME}: TAGRAIN_<NAME>_URL is missing" in settings.problems(app("'TAGRAIN_${connection.name}_URL'", "'A'"))


def test_a_setting_that_nothing_reads_is_reported() -> None:
    assert settings.problems(app("var settings = {\n", "var settings = {\n  HUB_SPARE: ''\n")) == [
        f"{NAME}: nothing reads HUB_SPARE"
    ]


def test_every_secret_is_a_reference_to_the_vault() -> None:
    """Also to the secret that modules/vault.bicep writes, by the same name."""
    files = expected.files()
    facts = files[NAME].facts["var settings"]
    written = {
        one["name"].strip("'")
        for one in files["modules/vault.bicep"].facts.values()
        if "vaults/secrets@" in one.get("type", "")
    }
    secrets = [name for name in facts if name.endswith(("PASSWORD", "SECRET", "CERTIFICATE", "_KEY"))]
    assert len(secrets) == 6
    for name in secrets:
        secret = name.replace("_", "-")
        assert f"'@Microsoft.KeyVault(SecretUri=${{vaultUri}}secrets/{secret})'" in facts[name]
        assert secret in written
