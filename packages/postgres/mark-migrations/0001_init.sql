-- Marks of logs whose own database is another one: see database-mark.ts. One row per log.

create table ${schema}.tlog_marks (
	name text primary key,
	origin text not null,
	key_id bytea not null check (octet_length(key_id) = 32),
	size bigint not null check (size >= 0),
	root bytea not null check (octet_length(root) = 32),
	note bytea not null,
	-- How often an operator has set this mark. Only then may it go back, or to another log.
	adoptions bigint not null,
	changed_at timestamptz not null
);

create function ${schema}.tlog_refuse_older_mark() returns trigger language plpgsql as $$
begin
	if tg_op = 'DELETE' then
		raise exception 'the mark % is never removed', old.name using errcode = '55000';
	end if;
	if new.adoptions = old.adoptions
		and (new.key_id <> old.key_id or new.size < old.size or (new.size = old.size and new.root <> old.root)) then
		raise exception 'the mark % cannot go from size % to %, nor change its root or its log', old.name, old.size, new.size
			using errcode = '55000';
	end if;
	return new;
end
$$;
create trigger only_grows before update or delete on ${schema}.tlog_marks
	for each row execute function ${schema}.tlog_refuse_older_mark();
