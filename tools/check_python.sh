#!/bin/sh
# Say which package is missing before an environment is made: Debian's python3 comes without ensurepip.
# usage: check_python.sh PYTHON
python=${1:-python3}

stop() {
    echo "$1" >&2
    echo "  next: $2" >&2
    exit 1
}

command -v "$python" >/dev/null || stop "Mainstay needs Python 3.11 or newer, and there is no $python" "apt-get install python3 python3-venv"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    stop "Mainstay needs Python 3.11 or newer, and $python is $("$python" --version)" "install a newer one and call: make PYTHON=python3.12 ..."
"$python" -c 'import ensurepip' 2>/dev/null ||
    stop "$python cannot make an environment: it has no ensurepip" "apt-get install $(basename "$python")-venv"
