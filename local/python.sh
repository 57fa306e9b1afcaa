#!/bin/sh
# Prints the path of a Python 3.13 interpreter that really runs, or says how to get one.
# A shim on PATH may refuse to run, so every candidate is tried.
set -u
candidates="${PYTHON:-} python3.13 python3"
for root in "${PYENV_ROOT:-}" "$HOME/.pyenv"; do
  [ -n "$root" ] || continue
  for p in "$root"/versions/3.13*/bin/python; do [ -x "$p" ] && candidates="$candidates $p"; done
done
for p in $candidates; do
  if found=$("$p" -c 'import sys; print(sys.executable) if sys.version_info[:2] == (3, 13) else sys.exit(1)' 2>/dev/null); then
    echo "$found"
    exit 0
  fi
done
echo "Python 3.13 was not found. Install it (for example with pyenv or your system's packages)," >&2
echo "or say where it is: make PYTHON=/path/to/python3.13 ..." >&2
exit 1
