#!/usr/bin/env bash
# Make (or bring up to date) the kit's own environment, .venv, from its hash-pinned lock. Quiet when there is nothing to do.
# Needs: Python 3.12 or 3.13, and uv. Without a uv that works, one is put into .uv/ from PyPI.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    printf 'error: %s\n  fix: %s\n' "$1" "$2" >&2
    exit 1
}

lock=requirements/development.txt
wanted=$(cat "$lock" pyproject.toml ci/environment.sh | (sha256sum 2>/dev/null || shasum -a 256) | cut -c1-64)
if [ -x .venv/bin/penstock ] && [ "$(cat .venv/.lock-digest 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi

# A uv on PATH may be a version manager's shim that fails here: ask it for its version instead of trusting its presence.
if uv --version >/dev/null 2>&1; then
    uv=uv
elif .uv/bin/uv --version >/dev/null 2>&1; then
    uv=.uv/bin/uv
else
    echo 'uv is not installed: putting it into .uv/ from PyPI'
    command -v python3 >/dev/null || fail 'there is no python3' 'install Python 3.12 or 3.13 (Debian, Ubuntu: apt install python3 python3-venv)'
    rm -rf .uv
    python3 -m venv .uv 2>/dev/null ||
        fail 'python3 cannot make virtual environments' 'install its venv module (Debian, Ubuntu: apt install python3-venv), or uv itself'
    .uv/bin/pip install --quiet --disable-pip-version-check 'uv>=0.9,<1' ||
        fail 'uv could not be installed from PyPI' 'check the network and proxy settings of pip, then run the command again'
    uv=.uv/bin/uv
fi

echo 'making .venv from the lock'
rm -rf .venv
for version in 3.13 3.12; do
    if "$uv" venv --quiet --python "$version" .venv 2>/dev/null; then
        break
    fi
done
[ -x .venv/bin/python ] ||
    fail 'no Python 3.12 or 3.13 was found, and uv could not download one' 'install Python 3.13 and see that python3.13 is on PATH'
"$uv" pip sync --quiet --compile-bytecode --python .venv/bin/python "$lock" ||
    fail "the packages of $lock could not be installed" 'see the message above; a package index must be reachable'
"$uv" pip install --quiet --no-deps --python .venv/bin/python --editable . ||
    fail 'penstock itself could not be installed' 'see the message above'
echo "$wanted" >.venv/.lock-digest
