-- Every version of every metadata file that was ever published: clients bootstrap from any old root, and a file once
-- served never changes.
create table ${schema}.metadata (
	role text not null check (role in ('root', 'targets', 'snapshot', 'timestamp')),
	version integer not null check (version >= 1),
	content bytea not null,
	expires_at timestamptz not null,
	published_at timestamptz not null,
	primary key (role, version)
);

create table ${schema}.target_file (
	sha256 bytea primary key check (length(sha256) = 32),
	content bytea not null
);

create function ${schema}.refuse_change() returns trigger language plpgsql as $$
begin
	raise exception '% is insert-only', tg_table_name;
end
$$;

create trigger insert_only before update or delete on ${schema}.metadata
	for each row execute function ${schema}.refuse_change();
create trigger insert_only before update or delete on ${schema}.target_file
	for each row execute function ${schema}.refuse_change();
