"""The contract is sound, and the simulator keeps it: schemathesis asks for everything that it promises, and more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import httpx
import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from openapi_spec_validator import validate
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig

from local.sample_company.chain import build_chain
from local.simulators.tagrain import TagrainSimulator
from local.simulators.tagrain.contract import DOCUMENT

CONTRACT = yaml.safe_load(DOCUMENT.read_text())
_CONFIG = SchemathesisConfig(
    projects=ProjectsConfig(default=ProjectConfig(generation=GenerationConfig(allow_x00=False)))
)
schema = schemathesis.openapi.from_dict(CONTRACT, config=_CONFIG)


@pytest.fixture(scope="module")
def simulator() -> Iterator[tuple[str, str]]:
    """Address and key of a simulator in a thread of its own: schemathesis asks without an event loop."""
    account = TagrainSimulator(build_chain())
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        base = asyncio.run_coroutine_threadsafe(account.start(), loop).result(10)
        yield base, account.api_key
    finally:
        asyncio.run_coroutine_threadsafe(account.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_the_contract_is_valid_openapi() -> None:
    validate(CONTRACT)


@schema.parametrize()
@settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_no_answer_breaks_the_contract(case: schemathesis.Case, simulator: tuple[str, str]) -> None:
    base, key = simulator
    case.call_and_validate(base_url=f"{base}/v1", headers={"Authorization": f"Bearer {key}"})


@pytest.mark.parametrize("path", sorted(CONTRACT["paths"]))
def test_without_the_key_nothing_is_answered(path: str, simulator: tuple[str, str]) -> None:
    base, _ = simulator
    url = f"{base}/v1{path.replace('{id}', 'st_1')}"
    assert [httpx.get(url, headers=headers).status_code for headers in ({}, {"Authorization": "Bearer x"})] == [401] * 2
