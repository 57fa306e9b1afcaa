"""Examples for the API's description: real requests and answers of a hub on this machine, on invented data.

``python -m local.examples`` walks through the API once and writes ``shared/triggers/http/examples.json``.
"""
