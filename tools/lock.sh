#!/bin/sh
# Resolve the lock files anew. The tests get the very versions that people run.
# usage: lock.sh BIN      (the folder of pip-compile)
set -eu

compile() {
    "$bin/pip-compile" --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
        --no-emit-options --no-emit-index-url --no-emit-find-links --no-emit-trusted-host "$@" pyproject.toml
}

bin=$1
compile --build-deps-for=editable --output-file=requirements/run.txt
compile --extra=dev --extra=apprise --extra=postgres --extra=redis --extra=s3 --extra=sftp --constraint=requirements/run.txt --output-file=requirements/dev.txt
if grep -nE '://|^--' requirements/*.txt; then
    echo "a lock file names an address" >&2
    exit 1
fi
