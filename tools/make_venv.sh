#!/bin/sh
# Makes .venv with a Python that can be embedded, and installs requirements.txt into it.
#   tools/make_venv.sh [PYTHON]      PYTHON: the only interpreter to consider
# Without it, the first suitable of python3, python3.13, python3.12, python3.11, /usr/bin/python3.
set -u
cd "$(dirname "$0")/.." || exit 1

for tool in gcc make; do
    command -v "$tool" >/dev/null 2>&1 || {
        echo "$tool is missing (Debian/Ubuntu: $tool, or build-essential)" >&2
        exit 1
    }
done

wanted=${1:-}
if [ -z "$wanted" ] && [ -x "$(cat .venv/made-with 2>/dev/null)" ]; then wanted=$(cat .venv/made-with); fi
faults=$(mktemp) || exit 1
trap 'rm -f "$faults"' EXIT
python=
for candidate in ${wanted:-python3 python3.13 python3.12 python3.11 /usr/bin/python3}; do
    command -v "$candidate" >/dev/null 2>&1 || continue
    python=$("$candidate" tools/check_python.py 2>>"$faults") && break
    python=
done
if [ -z "$python" ]; then
    echo "No Python here can be embedded (${1:-python3, python3.11 to python3.13 were looked at}):" >&2
    sort -u "$faults" | grep '^  /' >&2 || echo "  none found (Debian/Ubuntu: python3)" >&2
    exit 1
fi

if [ ! -x .venv/bin/python ] || [ "$(cat .venv/made-with 2>/dev/null)" != "$python" ]; then
    echo "Making .venv with $python"
    rm -rf .venv
    "$python" -m venv .venv || exit 1
    echo "$python" >.venv/made-with
fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt || exit 1
echo "${1:-}" >.venv/asked-for
touch .venv/stamp
