#!/usr/bin/env bash
# Makes the virtual environments of the tests, target/python-venvs/NAME, each from the list NAME.txt beside this script,
# and prints their folder. An environment is made anew when it is missing, unfinished, or older than a change of its list.
# PYTHON names another python to make them with.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(cd "$here/../.." && pwd)/target/python-venvs
for list in "$here"/*.txt; do
    venv=$folder/$(basename "$list" .txt)
    # The copy of the list is written last, so an installation that was cut short starts over.
    if ! cmp --silent "$list" "$venv/list.txt" || ! "$venv/bin/python" -c '' 2>/dev/null; then
        "${PYTHON:-python3}" -m venv --clear "$venv" >&2
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$list" >&2
        cp "$list" "$venv/list.txt"
    fi
done
printf '%s\n' "$folder"
