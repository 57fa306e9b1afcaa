"""A bare client for the contract tests: it sends what it is told and hides nothing."""

from __future__ import annotations

from typing import Any

import httpx

from local.simulators.service_layer import ServiceLayerSimulator

ROOT = "/b1s/v2/"
CREDENTIALS = {"CompanyDB": "SBODEMO", "UserName": "manager", "Password": "manager-secret"}


class Client:
    """Requests with the two cookies of a login, relative to the service root."""

    def __init__(self, simulator: ServiceLayerSimulator, base_url: str) -> None:
        self.simulator = simulator
        self.base_url = base_url
        self.cookie = ""
        self.http = httpx.AsyncClient(base_url=base_url + ROOT, trust_env=False)

    async def login(self, **changed: Any) -> httpx.Response:
        """Log in and keep the cookies as Service Layer's clients do: by hand."""
        response = await self.http.post("Login", json=CREDENTIALS | changed)
        cookies = [line.split(";")[0] for line in response.headers.get_list("Set-Cookie")]
        if cookies:
            self.cookie = "; ".join(cookies)
        self.http.cookies.clear()
        return response

    async def send(self, method: str, url: str, body: Any = None, **headers: str) -> httpx.Response:
        """One request; header names with underscores for dashes."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.request(
            method, url, headers={"Cookie": self.cookie, **names}, json=body, follow_redirects=False
        )

    async def get(self, url: str, **headers: str) -> httpx.Response:
        """GET."""
        return await self.send("GET", url, **headers)

    async def codes(self, url: str, **headers: str) -> list[str]:
        """CardCodes of one page."""
        return [row["CardCode"] for row in (await self.get(url, **headers)).json()["value"]]

    async def batch(self, body: str, **headers: str) -> httpx.Response:
        """POST ``$batch`` with boundary ``b``; line ends are given as \\n and sent as CRLF unless there is a CR."""
        content = body if "\r" in body else body.replace("\n", "\r\n")
        return await self.http.post(
            "$batch",
            content=content.encode(),
            headers={"Cookie": self.cookie, "Content-Type": "multipart/mixed;boundary=b", **headers},
        )


def error_of(response: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return response.status_code, response.json()["error"]["code"]
