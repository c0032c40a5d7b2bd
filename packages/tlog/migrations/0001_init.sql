-- The tables of the log engine. Several logs may share one schema: every key begins with the log.
--
-- Positions are assigned under the lock of the log's head row and never by a sequence, which leaves gaps when a
-- transaction rolls back. Entries, receipts, tiles and the log rows are only ever inserted; triggers say so.

create function ${schema}.tlog_refuse_change() returns trigger language plpgsql as $$
begin
	raise exception 'rows of % are never changed or removed', tg_table_name using errcode = '55000';
end
$$;

-- The two heads only grow, and one size has one root. The engine never tries anything else; this stops everybody else.
create function ${schema}.tlog_refuse_regress() returns trigger language plpgsql as $$
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
$$;

-- What the log is. Written once; a process configured otherwise refuses to start.
create table ${schema}.tlog_logs (
	log_id text primary key,
	origin text not null,
	tree_id text,
	wire text not null,
	codec text not null,
	public_key bytea not null,
	mode text not null,
	created_at timestamptz not null
);
create trigger insert_only before update or delete on ${schema}.tlog_logs
	for each row execute function ${schema}.tlog_refuse_change();

-- The integrated head: its row lock is the sequencer. Narrow, and with room on its page, so that updates stay in place.
create table ${schema}.tlog_heads (
	log_id text primary key,
	size bigint not null check (size >= 0),
	root bytea not null check (octet_length(root) = 32),
	timestamp_ms bigint not null
) with (fillfactor = 10);
create trigger only_grows before update or delete on ${schema}.tlog_heads
	for each row execute function ${schema}.tlog_refuse_regress();

-- The published head: what has been signed and may be shown.
create table ${schema}.tlog_published (
	log_id text primary key,
	size bigint not null check (size >= 0),
	root bytea not null check (octet_length(root) = 32),
	timestamp_ms bigint not null,
	note bytea not null
) with (fillfactor = 10);
create trigger only_grows before update or delete on ${schema}.tlog_published
	for each row execute function ${schema}.tlog_refuse_regress();

-- Which mark store belongs to the log, for stores that only one process may use.
create table ${schema}.tlog_mark_holders (
	log_id text primary key,
	holder text not null
);

-- Each time an operator declared the database's head to be the true one.
create table ${schema}.tlog_adoptions (
	log_id text not null,
	adopted_at timestamptz not null,
	reason text not null,
	previous_size bigint,
	previous_root bytea,
	size bigint not null,
	root bytea not null,
	primary key (log_id, adopted_at)
);
create trigger insert_only before update or delete on ${schema}.tlog_adoptions
	for each row execute function ${schema}.tlog_refuse_change();

create table ${schema}.tlog_entries (
	log_id text not null,
	index bigint not null check (index >= 0),
	timestamp_ms bigint not null,
	leaf_hash bytea not null check (octet_length(leaf_hash) = 32),
	leaf bytea not null,
	extra bytea,
	primary key (log_id, index)
);
alter table ${schema}.tlog_entries alter column leaf set storage external, alter column extra set storage external;
create trigger insert_only before update or delete on ${schema}.tlog_entries
	for each row execute function ${schema}.tlog_refuse_change();
create trigger never_emptied before truncate on ${schema}.tlog_entries
	for each statement execute function ${schema}.tlog_refuse_change();

-- SETs and SCTs. Stored with the publication that covers their entry, hence not a column of the entry.
create table ${schema}.tlog_receipts (
	log_id text not null,
	index bigint not null,
	receipt bytea not null,
	primary key (log_id, index)
);
create trigger insert_only before update or delete on ${schema}.tlog_receipts
	for each row execute function ${schema}.tlog_refuse_change();

-- Full tiles only. The root stands beside the hashes because it is a hash of the tile one level up.
create table ${schema}.tlog_tiles (
	log_id text not null,
	level integer not null check (level >= 0),
	index bigint not null check (index >= 0),
	root bytea not null check (octet_length(root) = 32),
	hashes bytea not null check (octet_length(hashes) = 8192),
	primary key (log_id, level, index)
);
alter table ${schema}.tlog_tiles alter column hashes set storage external;
create trigger insert_only before update or delete on ${schema}.tlog_tiles
	for each row execute function ${schema}.tlog_refuse_change();
create trigger never_emptied before truncate on ${schema}.tlog_tiles
	for each statement execute function ${schema}.tlog_refuse_change();

-- What decides that an entry is a repeat. leaf_hash is null where it equals the identity, so that a log whose entries
-- are identified by their leaf keeps one index and not two. Partitioned by index: inserts touch the newest partition.
create table ${schema}.tlog_identities (
	log_id text not null,
	index bigint not null,
	identity bytea not null check (octet_length(identity) = 32),
	leaf_hash bytea check (octet_length(leaf_hash) = 32)
) partition by range (index);
create trigger insert_only before update or delete on ${schema}.tlog_identities
	for each row execute function ${schema}.tlog_refuse_change();

-- Search: exact by hash of the normalised value, prefix by text.
create table ${schema}.tlog_search_keys (
	log_id text not null,
	kind text not null check (octet_length(kind) <= 64),
	key_hash bytea not null check (octet_length(key_hash) = 32),
	index bigint not null,
	prefix_text text collate "C" check (octet_length(prefix_text) <= 1024),
	primary key (log_id, kind, key_hash, index)
) partition by range (index);
create index on ${schema}.tlog_search_keys (log_id, kind, prefix_text, index) where prefix_text is not null;
