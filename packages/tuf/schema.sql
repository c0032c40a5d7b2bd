-- Schema tuf after all migrations. Written by `npm run schema`.

create schema tuf;

CREATE OR REPLACE FUNCTION tuf.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
	raise exception '% is insert-only', tg_table_name;
end
$function$;

create table tuf.adoption (
	adopted_at timestamp with time zone not null,
	reason text not null,
	previous bytea,
	seen_targets integer not null,
	seen_snapshot integer not null,
	seen_timestamp integer not null,
	seen_root integer,
	seen_root_sha256 bytea,
	constraint adoption_check CHECK (((seen_root IS NULL) = (seen_root_sha256 IS NULL))),
	constraint adoption_pkey PRIMARY KEY (adopted_at),
	constraint adoption_seen_root_check CHECK ((seen_root >= 1)),
	constraint adoption_seen_root_sha256_check CHECK ((length(seen_root_sha256) = 32)),
	constraint adoption_seen_snapshot_check CHECK ((seen_snapshot >= 0)),
	constraint adoption_seen_targets_check CHECK ((seen_targets >= 0)),
	constraint adoption_seen_timestamp_check CHECK ((seen_timestamp >= 0))
);

create table tuf.metadata (
	role text not null,
	version integer not null,
	content bytea not null,
	expires_at timestamp with time zone not null,
	published_at timestamp with time zone not null,
	constraint metadata_pkey PRIMARY KEY (role, version),
	constraint metadata_role_check CHECK ((role = ANY (ARRAY['root'::text, 'targets'::text, 'snapshot'::text, 'timestamp'::text]))),
	constraint metadata_version_check CHECK ((version >= 1))
);

create table tuf.migrations (
	component text not null,
	id integer not null,
	name text not null,
	sha256 bytea not null,
	applied_at timestamp with time zone not null,
	constraint migrations_pkey PRIMARY KEY (component, id)
);

create table tuf.target_file (
	sha256 bytea not null,
	content bytea not null,
	constraint target_file_pkey PRIMARY KEY (sha256),
	constraint target_file_sha256_check CHECK ((length(sha256) = 32))
);

create table tuf.tuf_mark_holder (
	only_row boolean default true not null,
	holder text not null,
	constraint tuf_mark_holder_only_row_check CHECK (only_row),
	constraint tuf_mark_holder_pkey PRIMARY KEY (only_row)
);

CREATE TRIGGER insert_only BEFORE DELETE OR UPDATE ON tuf.adoption FOR EACH ROW EXECUTE FUNCTION tuf.refuse_change();

CREATE TRIGGER insert_only BEFORE DELETE OR UPDATE ON tuf.metadata FOR EACH ROW EXECUTE FUNCTION tuf.refuse_change();

CREATE TRIGGER insert_only BEFORE DELETE OR UPDATE ON tuf.target_file FOR EACH ROW EXECUTE FUNCTION tuf.refuse_change();
