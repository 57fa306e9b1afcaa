"""``python -m local.examples``: record the examples anew."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from local.environment import ROOT, Environment
from local.examples.tour import CUSTOMERS, tour

FILE = ROOT / "shared" / "triggers" / "http" / "examples.json"


async def recorded() -> dict[str, Any]:
    """All examples, from an environment of their own."""
    async with Environment(customers=CUSTOMERS) as environment:
        return await tour(environment)


def text_of(examples: dict[str, Any]) -> str:
    """The file's content."""
    return json.dumps(examples, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main(file: Path = FILE) -> int:
    """Record and write."""
    file.write_text(text_of(asyncio.run(recorded())), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
