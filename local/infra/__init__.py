"""Checks of what is deployed: the Bicep in ``infra/``, its parameters and settings. Nothing of it runs in Azure."""
