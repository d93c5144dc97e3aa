#!/bin/sh
# Install the Debian packages that the tests use and this machine lacks, and those named here that bring a command of their name.
# Without root it only names them: tests that need one skip.
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
systemd-container systemd-nspawn
postgresql-15 /usr/lib/postgresql/15/bin/postgres
postgresql-15-repack /usr/lib/postgresql/15/bin/pg_repack
pgbouncer pgbouncer
redis-server redis-server
nginx-light /usr/sbin/nginx
attr setfattr
acl setfacl
libcap2-bin setcap
openssh-server /usr/sbin/sshd
gnupg gpg
jq jq
faketime faketime
EOF
for package in "$@"; do
    command -v "$package" >/dev/null || missing="$missing $package"
done
python3 -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"
[ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || missing="$missing fonts-dejavu-core"

[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "some tests will be skipped without:$missing" >&2
    exit 0
fi
echo "installing what the tests use:$missing"

# Tests start servers of their own: what is installed here starts none, and makes no database.
cluster=/etc/postgresql-common/createcluster.d/mainstay-tests.conf policy=/usr/sbin/policy-rc.d made=
trap 'rm -f "$cluster" $made' EXIT
mkdir -p "${cluster%/*}"
echo "create_main_cluster = false" >"$cluster"
[ -e "$policy" ] || { made=$policy && printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"; }

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null
