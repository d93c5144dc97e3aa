#!/bin/sh
# Install the Debian packages that the tests use and this machine lacks. Without root it only names them: tests that need one skip.
set -eu

missing=
while read -r package command; do
    command -v "$command" >/dev/null || missing="$missing $package"
done <<EOF
strace strace
logrotate logrotate
zstd zstd
gzip gzip
sqlite3 sqlite3
procps ps
openssl openssl
docker.io dockerd
busybox-static busybox
chromium chromium
mmdebstrap mmdebstrap
EOF
python3 -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"
[ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || missing="$missing fonts-dejavu-core"

[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "some tests will be skipped without:$missing" >&2
    exit 0
fi
echo "installing what the tests use:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null
