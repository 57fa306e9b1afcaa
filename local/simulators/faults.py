"""Fault rules: which request is disturbed, how often, and in what way.

A rule is a JSON object: ``{"match": {"method", "path", "body", "part"}, "skip": n, "every": k, "times": n,
"action": {...}}``. ``path`` and ``body`` are regular expressions that may match anywhere; ``path`` sees the decoded path
and query. ``skip`` lets the first n matching requests pass, ``every`` hits each k-th of the others, ``times`` ends the
rule after n hits. ``"part": true`` makes a rule look at the requests inside a ``$batch`` instead of the envelope.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

JsonObject = dict[str, Any]
CloseMoment = Literal["before", "mid_body", "after"]

_ACTIONS = ("status", "close", "commit_then_hang", "hang", "html", "named")
_RULE_KEYS = frozenset({"match", "skip", "every", "times", "action"})
_MATCH_KEYS = frozenset({"method", "path", "body", "part"})


class BadFaultRule(ValueError):
    """The rule sent to ``/_sim/faults`` cannot be understood; its text says which part."""


@dataclass(frozen=True)
class FaultAction:
    """What happens to a disturbed request; exactly one of the kinds of ``_ACTIONS`` is set."""

    kind: str
    status: int = 0
    headers: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    close: CloseMoment = "before"
    seconds: float = 0.0
    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class FaultRule:
    """One rule with its own counters: ``seen`` matching requests, ``hits`` of them disturbed."""

    action: FaultAction
    method: str | None = None
    path: re.Pattern[str] | None = None
    body: re.Pattern[str] | None = None
    part: bool = False
    skip: int = 0
    every: int = 1
    times: int | None = None
    seen: int = 0
    hits: int = 0

    @property
    def needs_body(self) -> bool:
        """True if the request's body must be read before the rule can be asked."""
        return self.body is not None

    def strikes(self, method: str, path: str, body: str) -> bool:
        """Count the request if it matches and tell whether this one is disturbed."""
        if self.method is not None and self.method != method:
            return False
        if self.path is not None and not self.path.search(path):
            return False
        if self.body is not None and not self.body.search(body):
            return False
        self.seen += 1
        past_skip = self.seen - self.skip
        if past_skip <= 0 or past_skip % self.every or (self.times is not None and self.hits >= self.times):
            return False
        self.hits += 1
        return True


def parse_action(raw: Mapping[str, Any]) -> FaultAction:
    """Read the ``action`` of a rule; raises BadFaultRule for anything unknown."""
    kinds = [kind for kind in _ACTIONS if kind in raw]
    if len(kinds) != 1:
        raise BadFaultRule(f"an action needs exactly one of {', '.join(_ACTIONS)}; got {sorted(raw)}")
    kind = kinds[0]
    value = raw[kind]
    if kind == "status":
        return FaultAction(kind, status=int(value), headers=dict(raw.get("headers") or {}), body=raw.get("body"))
    if kind == "html":
        return FaultAction(kind, status=int(value))
    if kind == "close":
        if value not in ("before", "mid_body", "after"):
            raise BadFaultRule("close is before, mid_body or after")
        return FaultAction(kind, close=cast(CloseMoment, value))
    if kind == "named":
        return FaultAction(kind, name=str(value), options={k: v for k, v in raw.items() if k != "named"})
    return FaultAction(kind, seconds=float(value))


def parse_rule(raw: Mapping[str, Any]) -> FaultRule:
    """Read one rule; raises BadFaultRule for unknown keys, bad expressions and bad numbers."""
    unknown = set(raw) - _RULE_KEYS
    match = dict(raw.get("match") or {})
    unknown |= set(match) - _MATCH_KEYS
    if unknown:
        raise BadFaultRule(f"unknown in a fault rule: {', '.join(sorted(unknown))}")
    if "action" not in raw:
        raise BadFaultRule("a fault rule needs an action")
    every = int(raw.get("every", 1))
    if every < 1:
        raise BadFaultRule("every must be 1 or more")
    try:
        path = re.compile(match["path"]) if "path" in match else None
        body = re.compile(match["body"], re.DOTALL) if "body" in match else None
    except re.error as error:
        raise BadFaultRule(f"not a regular expression: {error}") from error
    return FaultRule(
        action=parse_action(raw["action"]),
        method=match.get("method"),
        path=path,
        body=body,
        part=bool(match.get("part", False)),
        skip=int(raw.get("skip", 0)),
        every=every,
        times=None if raw.get("times") is None else int(raw["times"]),
    )
