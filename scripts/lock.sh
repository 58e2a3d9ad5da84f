#!/bin/sh
# Re-make the requirement locks. They name no index, so each machine uses the one it is set up for.
# `UPGRADE=1` takes the newest versions that pyproject.toml allows; without it, what is locked stays unless it must move.
set -eu
cd "$(dirname "$0")/.."

compile() {
  output=$1
  shift
  echo "  $output"
  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
    ${UPGRADE:+--upgrade} --output-file "$output" "$@"
}

compile requirements/bootstrap.txt --group pyproject.toml:bootstrap
compile requirements/runtime.txt pyproject.toml
compile requirements/dev.txt pyproject.toml --group pyproject.toml:dev \
  --constraints requirements/runtime.txt --constraints requirements/bootstrap.txt
