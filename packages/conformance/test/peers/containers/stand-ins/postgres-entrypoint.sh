#!/bin/sh
# Of the settings of the official image those that docker-compose.yml uses.
set -e
data=/var/lib/postgresql/data
socket=/var/run/postgresql
as_postgres() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
mkdir -p "$data" "$socket"
chown postgres "$data" "$socket"
chmod 0700 "$data"
chmod 3777 "$socket"
if [ ! -s "$data/PG_VERSION" ]; then
	as_postgres initdb --pgdata "$data" --username postgres --auth-local=trust --auth-host=scram-sha-256 $POSTGRES_INITDB_ARGS
	as_postgres pg_ctl --pgdata "$data" --options "-c listen_addresses=''" --wait start
	as_postgres createdb --host "$socket" --username postgres "$POSTGRES_DB"
	as_postgres pg_ctl --pgdata "$data" --mode fast --wait stop
fi
exec setpriv --reuid=postgres --regid=postgres --clear-groups postgres -D "$data"
