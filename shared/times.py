"""Every duration of the hub in seconds, with its production default; and the names of time zones.

Overridden by the app setting ``HUB_TIMES``, a JSON object of single values; what must be longer than what is checked,
so that the short times of a test keep the order of the long ones.
"""

from __future__ import annotations

import json
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.errors import Misconfigured

type Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]

_DAY = 24 * 3600.0
# (what is longer, what it must be longer than, why): told to whoever sets them otherwise.
_ORDER = (
    ("claim_expiry", "request_longest", "a server could still be at work on a create that is made again"),
    ("gate_lease", "request_longest", "a request could outlive the slot it holds"),
    ("slice_overdue", "request_longest", "a slice would be sent again while it is still delivered"),
    ("run_silent", "run_heartbeat", "a run would be revived while it is alive"),
    ("retry_cap", "retry_base", "waits could not grow"),
    ("run_heartbeat", "finish_first", "waits could not grow"),
    ("parked_limit", "health_parked", "a record would be listed as failed before anybody is told that it waits"),
    ("health_queue", "retry_cap", "a message that is sent to be worked on later would count as one that waits"),
)


def zone_name(text: str) -> str:
    """The IANA name of a time zone; ValueError, with an example, for anything else."""
    try:
        ZoneInfo(text)
    except (LookupError, ValueError, OSError):
        raise ValueError('this is no time zone; use an IANA name like "Europe/Berlin"') from None
    return text


class Times(BaseModel):
    """How long things take, last and wait."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # One request to a system: connecting, waiting for the answer to a read or a write, and how long it is repeated
    # before the message goes back to its queue.
    connect: Seconds = 10
    read: Seconds = 60
    write_read: Seconds = 120
    request_budget: Seconds = 20

    # A create that may have happened is not made again before its claim expires.
    claim_expiry: Seconds = 900

    # Slots at a system: how long a lease lasts without renewal, when an idle one is given back, how long a request
    # waits for one.
    gate_lease: Seconds = 180
    gate_idle_give_back: Seconds = 15
    gate_wait: Seconds = 60

    # A plan stops and goes on in a new message after this much of the function's time.
    plan_budget: Seconds = 120
    # A slice without an outcome by then is sent again.
    slice_overdue: Seconds = 900

    # The message that looks whether a run is over comes after this, then less and less often; a run that has not
    # been looked at for run_silent is revived.
    finish_first: Seconds = 2
    run_heartbeat: Seconds = 30
    run_silent: Seconds = 600

    # A record or slice that failed for a passing reason: first wait, longest wait, tries before a person must look.
    retry_base: Seconds = 30
    retry_cap: Seconds = 3600
    retry_attempts: int = Field(default=8, ge=1)

    # A draft in SAP that awaits approval is looked at again after this.
    approval_look: Seconds = 900
    # A child whose parent has not come by then is failed, not parked.
    parked_limit: Seconds = 7 * _DAY
    # How far before the watermark a plan reads again.
    overlap: Seconds = 300
    reference_cache: Seconds = 300
    run_retention: Seconds = 90 * _DAY

    # Silence is an alarm: health says so when a scheduled start is older than this without a good run since, a record
    # that is due, a parked one, or a message in a queue has waited longer.
    health_grace: Seconds = 1800
    health_due: Seconds = 3600
    health_parked: Seconds = 3 * _DAY
    health_queue: Seconds = 2 * 3600

    # What callers of the API are told: come back after; a run's status link is good for this long after its end.
    poll_after: Seconds = 5
    run_token_valid: Seconds = _DAY

    @property
    def request_longest(self) -> float:
        """The longest a single request can take from its first byte to its last."""
        return self.connect + max(self.read, self.write_read)

    def delay(self, attempt: int) -> float:
        """How long to wait before that attempt (the first retry is 1): doubling from retry_base up to retry_cap."""
        return float(min(self.retry_cap, self.retry_base * 2.0 ** min(max(attempt - 1, 0), 60)))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The defaults with the single values of a JSON object in their place; "" changes nothing.

        Misconfigured, naming what is wrong, for anything else.
        """
        try:
            changes = json.loads(text) if text.strip() else {}
        except ValueError:
            raise Misconfigured("HUB_TIMES is not JSON", code="settings", fields=["HUB_TIMES"]) from None
        try:
            return cls.model_validate(changes)
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, one['loc'])) or 'HUB_TIMES'}: {one['msg']}"
                for one in error.errors(include_url=False, include_input=False)
            )
            raise Misconfigured(f"HUB_TIMES: {wrong}", code="settings", fields=["HUB_TIMES"]) from None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        wrong = [
            f"{longer} must be longer than {shorter}, or {why}"
            for longer, shorter, why in _ORDER
            if getattr(self, longer) <= getattr(self, shorter)
        ]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self
