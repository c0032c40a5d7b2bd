-- Each time an operator let a log go on whose stored time is ahead of the present: the record that the times of entries
-- begin again, from which entry on, and how far the times of the tree head are from the truth.
create table ${schema}.tlog_accepted_leads (
	log_id text not null,
	accepted_at timestamptz not null,
	reason text not null,
	size bigint not null check (size >= 0),
	resumed_ms bigint not null,
	head_ms bigint not null check (head_ms > resumed_ms),
	primary key (log_id, accepted_at)
);
create trigger insert_only before update or delete on ${schema}.tlog_accepted_leads
	for each row execute function ${schema}.tlog_refuse_change();
