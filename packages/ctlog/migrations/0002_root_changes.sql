-- What happened to an accepted root after it was accepted: its retirements, and that an operator took one back. A root
-- without a row here is accepted. The newest row decides; none is ever changed, so that every retirement stays on record.
create table ${schema}.root_changes (
	root_sha256 bytea not null references ${schema}.accepted_roots (sha256),
	-- 1, 2, ... for each root, given out under the lock of its row in accepted_roots.
	number integer not null check (number > 0),
	change text not null check (change in ('retired', 'reinstated')),
	changed_at timestamptz not null,
	-- Name of the admin token.
	changed_by text not null,
	-- The operator's words.
	reason text not null,
	-- The authority's signed report with which it was reinstated.
	report text check ((report is not null) = (change = 'reinstated')),
	primary key (root_sha256, number)
);
create trigger insert_only before update or delete on ${schema}.root_changes
	for each row execute function ${schema}.tlog_refuse_change();

-- SHA-256 of the payload of every report that was acted on: a report counts once.
create table ${schema}.taken_reports (
	sha256 bytea primary key check (octet_length(sha256) = 32),
	issued_at timestamptz not null,
	taken_at timestamptz not null
);
create trigger insert_only before update or delete on ${schema}.taken_reports
	for each row execute function ${schema}.tlog_refuse_change();
