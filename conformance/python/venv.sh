#!/usr/bin/env bash
# Prints the path of a python that has the packages of requirements.txt. Its environment, target/conformance-venv, is
# made anew when it is missing, unfinished, or older than a change of that file. PYTHON names another python to make it
# with.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=$(cd "$here/../.." && pwd)/target/conformance-venv
# The copy of the list is written last, so an installation that was cut short starts over.
if ! cmp --silent "$here/requirements.txt" "$venv/requirements.txt" || ! "$venv/bin/python" -c '' 2>/dev/null; then
    "${PYTHON:-python3}" -m venv --clear "$venv" >&2
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt" >&2
    cp "$here/requirements.txt" "$venv/requirements.txt"
fi
printf '%s\n' "$venv/bin/python"
