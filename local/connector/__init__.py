"""The Power Automate custom connector: made of the API's own description, so that it cannot fall behind it."""
