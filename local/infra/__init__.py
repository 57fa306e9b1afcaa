"""Checks of what is deployed: the Bicep in ``infra/``, its parameters and settings. Nothing of it runs in Azure."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
