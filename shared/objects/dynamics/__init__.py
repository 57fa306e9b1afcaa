"""Dynamics 365 Sales (Dataverse) and SAP Business One: settings, objects, checks."""
