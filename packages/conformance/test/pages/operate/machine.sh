#!/bin/bash
# The machine of a reader of docs/operate, made of namespaces: what a page writes to /etc, /var and /run, and every port it
# opens, is gone with it. Beside it stands another machine, with the company's issuer and database server.
# Usage: machine.sh BASE CHECKOUT POSTGRES_BIN ISSUER COMMAND ...   (BASE: see operator-machine.ts)
set -euo pipefail
base=$1 checkout=$2 postgres=$3 issuer=$4
shift 4

mount --make-rprivate /
ip link set lo up
mkdir "$base/changes"
mount -t tmpfs tmpfs "$base/changes"
for name in etc opt var/lib var/log var/cache; do
	mkdir -p "$base/changes/$name/upper" "$base/changes/$name/work"
	mount -t overlay overlay -o "lowerdir=/$name,upperdir=$base/changes/$name/upper,workdir=$base/changes/$name/work" "/$name"
done
mount -t tmpfs -o mode=0755 tmpfs /run
install -d -o postgres -g postgres -m 2775 /run/postgresql
# As a package installs it, before anybody has configured it.
rm -rf /etc/nginx/sites-enabled /etc/nginx/conf.d/* /etc/pgbouncer/* /var/lib/chancery /etc/chancery
mkdir -p /opt/chancery
mount --bind "$checkout" /opt/chancery

# The other machine: 192.0.2.2, reached over a cable.
unshare --net sleep infinity &
other=$!
until [ "$(readlink "/proc/$other/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
there() { nsenter --net="/proc/$other/ns/net" "$@"; }
ip link add name cable type veth peer name cable netns "$other"
ip address add 192.0.2.1/24 dev cable
ip link set cable up
there ip link set lo up
there ip address add 192.0.2.2/24 dev cable
there ip link set cable up
cat "$base/hosts" >>/etc/hosts
cat "$base/authority.crt" >>/etc/ssl/certs/ca-certificates.crt
install -D -m 0644 "$base/sign.crt" /etc/chancery/tls/tls.crt
install -D -m 0600 "$base/sign.key" /etc/chancery/tls/tls.key

data=/var/lib/postgresql/pages
install -d -o postgres -g postgres -m 0700 "$data"
runuser -u postgres -- "$postgres/initdb" --pgdata "$data" --encoding UTF8 --locale C --data-checksums \
	--auth-local peer --auth-host scram-sha-256 >/dev/null
install -o postgres -g postgres -m 0600 "$base/others.key" "$data/server.key"
install -o postgres -g postgres -m 0644 "$base/others.crt" "$data/server.crt"
echo 'hostssl all all 192.0.2.0/24 scram-sha-256' >>"$data/pg_hba.conf"
cat >>"$data/postgresql.conf" <<'END'
listen_addresses = '192.0.2.2'
unix_socket_directories = '/run/postgresql'
ssl = on
END
there runuser -u postgres -- "$postgres/pg_ctl" --pgdata "$data" --log "$data/log" --wait start >/dev/null

there "$checkout/node_modules/.bin/node" "$issuer" "$base" &
until [ -e "$base/token" ]; do kill -0 $!; sleep 0.1; done
TOKEN=$(cat "$base/token")
export TOKEN

"$@"
