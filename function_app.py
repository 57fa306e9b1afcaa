"""The function app: its blueprints, nothing else."""

import azure.functions as func

from shared.triggers import http, timers, workers

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

for blueprint in (*http.BLUEPRINTS, workers.blueprint, timers.blueprint):
    app.register_functions(blueprint)
