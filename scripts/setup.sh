#!/bin/sh
# Make .venv from the locks and install Tocsin into it, editable. `make setup` runs this only when a lock or pyproject.toml changed.
set -eu
cd "$(dirname "$0")/.."

say() { echo "setup: $*"; }
stop() { echo "setup: $*" >&2; exit 1; }
new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
  for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14; do
    if command -v "$candidate" >/dev/null 2>&1 && new_enough "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  stop "Tocsin needs Python 3.11 or newer, and $(python3 --version 2>/dev/null || echo 'no python3') is all that was found." \
    "Install one, or name it: make setup PYTHON=/path/to/python3.12"
}

if ! { [ -x .venv/bin/python ] && new_enough .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; }; then
  python=$(find_python)
  say "making .venv with $("$python" --version)"
  rm -rf .venv
  "$python" -m venv .venv >/tmp/tocsin-venv.$$ 2>&1 || {
    cat /tmp/tocsin-venv.$$ >&2
    rm -f /tmp/tocsin-venv.$$
    rm -rf .venv
    stop "$python cannot make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv"
  }
  rm -f /tmp/tocsin-venv.$$
fi

say "installing the locked packages"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt

# uv does not read pip's settings: tell it which index and which certificates this machine uses.
index=${PIP_INDEX_URL:-$(.venv/bin/python -m pip config get global.index-url 2>/dev/null || true)}
[ -z "$index" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"
export UV_SYSTEM_CERTS=1 VIRTUAL_ENV="$PWD/.venv"

# Compiled now, because a start from sources takes twice as long, and some machines forbid Python to write its bytecode later.
if ! .venv/bin/uv pip sync --quiet --compile-bytecode --require-hashes requirements/dev.txt; then
  say "uv could not install them; trying pip"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
fi
.venv/bin/uv pip install --quiet --no-deps --no-build-isolation --offline --editable .
.venv/bin/python -m compileall -q src || true
touch .venv/.tocsin-setup
say "ready: .venv/bin/tocsin"
