-- The mark of the repository lies outside of this database. Here stands that there is one, and whose: a repository
-- without its mark is then known from one that never had any.
create table ${schema}.tuf_mark_holder (
	only_row boolean primary key default true check (only_row),
	-- The name of a store that belongs to one process; a fixed word for one that several share.
	holder text not null
);

-- Each time an operator declared this database to be the true one. Clients have seen the versions of the mark that was
-- overruled, and refuse smaller ones: the next of each role lies beyond them.
create table ${schema}.adoption (
	adopted_at timestamptz primary key,
	reason text not null,
	-- What the overruled mark said; null when there was none that could be made out.
	previous bytea,
	seen_targets integer not null check (seen_targets >= 0),
	seen_snapshot integer not null check (seen_snapshot >= 0),
	seen_timestamp integer not null check (seen_timestamp >= 0)
);
create trigger insert_only before update or delete on ${schema}.adoption
	for each row execute function ${schema}.refuse_change();
