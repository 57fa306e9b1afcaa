"""Tagrain (point of sale) and SAP Business One: settings, objects, checks."""
