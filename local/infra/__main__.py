"""``python -m local.infra``: every check of what is deployed; 0 if nothing is wrong, else 1 and what is."""

from __future__ import annotations

import sys

from local.infra import expected, outside, settings


def main() -> int:
    found = expected.files()
    wrong = [
        *expected.problems(found, expected.table()),
        *expected.wrong_parameters(found["main.bicep"]),
        *settings.problems(found["modules/app.bicep"]),
        *outside.checkov(),
        *outside.doctor(),
    ]
    for one in wrong:
        print(one, file=sys.stderr)
    print(f"infra: {len(found)} files, {len(wrong)} problems")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
