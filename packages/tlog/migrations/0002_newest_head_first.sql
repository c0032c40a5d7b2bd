-- The two heads are found by their newest version first.
--
-- An open snapshot (a forgotten transaction, a long backup) keeps every version of a row that is updated, and a key that
-- never changes has all of them under it: each lookup walks through the versions of the last hours, and batches become
-- slower by the minute. With what always grows in the key, and lookups from its upper end, the first version that is met
-- is the one that counts. One row per log is kept by the engine: a head is inserted together with its log row, the first
-- publication under the lock of the head.
alter table ${schema}.tlog_heads drop constraint tlog_heads_pkey, add primary key (log_id, size);
alter table ${schema}.tlog_published drop constraint tlog_published_pkey, add primary key (log_id, timestamp_ms);

-- Room on the page served updates that stay in place, which these no longer do.
alter table ${schema}.tlog_heads set (fillfactor = 100);
alter table ${schema}.tlog_published set (fillfactor = 100);
