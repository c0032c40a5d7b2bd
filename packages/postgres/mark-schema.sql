-- Schema marks after all migrations. Written by `npm run schema`.

create schema marks;

CREATE OR REPLACE FUNCTION marks.tlog_refuse_older_mark()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
$function$;

create table marks.migrations (
	component text not null,
	id integer not null,
	name text not null,
	sha256 bytea not null,
	applied_at timestamp with time zone not null,
	constraint migrations_pkey PRIMARY KEY (component, id)
);

create table marks.tlog_marks (
	name text not null,
	origin text not null,
	key_id bytea not null,
	size bigint not null,
	root bytea not null,
	note bytea not null,
	adoptions bigint not null,
	changed_at timestamp with time zone not null,
	constraint tlog_marks_key_id_check CHECK ((octet_length(key_id) = 32)),
	constraint tlog_marks_pkey PRIMARY KEY (name),
	constraint tlog_marks_root_check CHECK ((octet_length(root) = 32)),
	constraint tlog_marks_size_check CHECK ((size >= 0))
);

CREATE TRIGGER only_grows BEFORE DELETE OR UPDATE ON marks.tlog_marks FOR EACH ROW EXECUTE FUNCTION marks.tlog_refuse_older_mark();
