-- Schema log after all migrations. Written by `npm run schema`.

create schema log;

CREATE OR REPLACE FUNCTION log.tlog_refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
	raise exception 'rows of % are never changed or removed', tg_table_name using errcode = '55000';
end
$function$;

CREATE OR REPLACE FUNCTION log.tlog_refuse_regress()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
	if tg_op = 'DELETE' then
		raise exception 'rows of % are never removed', tg_table_name using errcode = '55000';
	end if;
	if new.log_id <> old.log_id or new.size < old.size or (new.size = old.size and new.root <> old.root) then
		raise exception '% of log % cannot go from size % to %, nor change its root', tg_table_name, old.log_id, old.size, new.size
			using errcode = '55000';
	end if;
	return new;
end
$function$;

create table log.migrations (
	component text not null,
	id integer not null,
	name text not null,
	sha256 bytea not null,
	applied_at timestamp with time zone not null,
	constraint migrations_pkey PRIMARY KEY (component, id)
);

create table log.tlog_accepted_leads (
	log_id text not null,
	accepted_at timestamp with time zone not null,
	reason text not null,
	size bigint not null,
	resumed_ms bigint not null,
	head_ms bigint not null,
	constraint tlog_accepted_leads_check CHECK ((head_ms > resumed_ms)),
	constraint tlog_accepted_leads_pkey PRIMARY KEY (log_id, accepted_at),
	constraint tlog_accepted_leads_size_check CHECK ((size >= 0))
);

create table log.tlog_adoptions (
	log_id text not null,
	adopted_at timestamp with time zone not null,
	reason text not null,
	previous_size bigint,
	previous_root bytea,
	size bigint not null,
	root bytea not null,
	constraint tlog_adoptions_pkey PRIMARY KEY (log_id, adopted_at)
);

create table log.tlog_entries (
	log_id text not null,
	index bigint not null,
	timestamp_ms bigint not null,
	leaf_hash bytea not null,
	leaf bytea not null,
	extra bytea,
	constraint tlog_entries_index_check CHECK ((index >= 0)),
	constraint tlog_entries_leaf_hash_check CHECK ((octet_length(leaf_hash) = 32)),
	constraint tlog_entries_pkey PRIMARY KEY (log_id, index)
);

create table log.tlog_heads (
	log_id text not null,
	size bigint not null,
	root bytea not null,
	timestamp_ms bigint not null,
	constraint tlog_heads_pkey PRIMARY KEY (log_id, size),
	constraint tlog_heads_root_check CHECK ((octet_length(root) = 32)),
	constraint tlog_heads_size_check CHECK ((size >= 0))
) with (fillfactor=100);

create table log.tlog_identities (
	log_id text not null,
	index bigint not null,
	identity bytea not null,
	leaf_hash bytea,
	constraint tlog_identities_identity_check CHECK ((octet_length(identity) = 32)),
	constraint tlog_identities_leaf_hash_check CHECK ((octet_length(leaf_hash) = 32))
) partition by RANGE (index);

create table log.tlog_logs (
	log_id text not null,
	origin text not null,
	tree_id text,
	wire text not null,
	codec text not null,
	public_key bytea not null,
	mode text not null,
	created_at timestamp with time zone not null,
	constraint tlog_logs_pkey PRIMARY KEY (log_id)
);

create table log.tlog_mark_holders (
	log_id text not null,
	holder text not null,
	constraint tlog_mark_holders_pkey PRIMARY KEY (log_id)
);

create table log.tlog_published (
	log_id text not null,
	size bigint not null,
	root bytea not null,
	timestamp_ms bigint not null,
	note bytea not null,
	constraint tlog_published_pkey PRIMARY KEY (log_id, timestamp_ms),
	constraint tlog_published_root_check CHECK ((octet_length(root) = 32)),
	constraint tlog_published_size_check CHECK ((size >= 0))
) with (fillfactor=100);

create table log.tlog_receipts (
	log_id text not null,
	index bigint not null,
	receipt bytea not null,
	constraint tlog_receipts_pkey PRIMARY KEY (log_id, index)
);

create table log.tlog_search_keys (
	log_id text not null,
	kind text not null,
	key_hash bytea not null,
	index bigint not null,
	prefix_text text collate "C",
	constraint tlog_search_keys_key_hash_check CHECK ((octet_length(key_hash) = 32)),
	constraint tlog_search_keys_kind_check CHECK ((octet_length(kind) <= 64)),
	constraint tlog_search_keys_pkey PRIMARY KEY (log_id, kind, key_hash, index),
	constraint tlog_search_keys_prefix_text_check CHECK ((octet_length(prefix_text) <= 1024))
) partition by RANGE (index);

create table log.tlog_tiles (
	log_id text not null,
	level integer not null,
	index bigint not null,
	root bytea not null,
	hashes bytea not null,
	constraint tlog_tiles_hashes_check CHECK ((octet_length(hashes) = 8192)),
	constraint tlog_tiles_index_check CHECK ((index >= 0)),
	constraint tlog_tiles_level_check CHECK ((level >= 0)),
	constraint tlog_tiles_pkey PRIMARY KEY (log_id, level, index),
	constraint tlog_tiles_root_check CHECK ((octet_length(root) = 32))
);

alter table log.tlog_entries alter column leaf set storage external;

alter table log.tlog_entries alter column extra set storage external;

alter table log.tlog_tiles alter column hashes set storage external;

CREATE INDEX tlog_search_keys_log_id_kind_prefix_text_index_idx ON ONLY log.tlog_search_keys USING btree (log_id, kind, prefix_text, index) WHERE (prefix_text IS NOT NULL);

CREATE TRIGGER insert_only BEFORE DELETE OR UPDATE ON log.tlog_accepted_leads FOR EACH ROW EXECUTE FUNCTION log.tlog_refuse_change();

CREATE TRIGGER insert_only BEFORE DELETE OR UPDATE ON log.tlog_adoptions FOR EACH ROW EXECUTE FUNCTION log.tlog_refuse_change();

CREATE TRIGGER insert_only BEFORE DELETE OR UPDATE ON log.tlog_entries FOR EACH ROW EXECUTE FUNCTION log.tlog_refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON log.tlog_entries FOR EACH STATEMENT EXECUTE FUNCTION log.tlog_refuse_change();

CREATE TRIGGER only_grows BEFORE DELETE OR UPDATE ON log.tlog_heads FOR EACH ROW EXECUTE FUNCTION log.tlog_refuse_regress();

CREATE TRIGGER insert_only BEFORE DELETE OR UPDATE ON log.tlog_identities FOR EACH ROW EXECUTE FUNCTION log.tlog_refuse_change();

CREATE TRIGGER insert_only BEFORE DELETE OR UPDATE ON log.tlog_logs FOR EACH ROW EXECUTE FUNCTION log.tlog_refuse_change();

CREATE TRIGGER only_grows BEFORE DELETE OR UPDATE ON log.tlog_published FOR EACH ROW EXECUTE FUNCTION log.tlog_refuse_regress();

CREATE TRIGGER insert_only BEFORE DELETE OR UPDATE ON log.tlog_receipts FOR EACH ROW EXECUTE FUNCTION log.tlog_refuse_change();

CREATE TRIGGER insert_only BEFORE DELETE OR UPDATE ON log.tlog_tiles FOR EACH ROW EXECUTE FUNCTION log.tlog_refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON log.tlog_tiles FOR EACH STATEMENT EXECUTE FUNCTION log.tlog_refuse_change();
