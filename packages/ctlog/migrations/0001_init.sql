-- The root certificates that submitted chains must end in. Rows are added when a certificate authority reports its
-- chain and are never taken away: entries that were logged under a root must stay verifiable to their readers.
create table ${schema}.accepted_roots (
	-- SHA-256 of the certificate's DER.
	sha256 bytea primary key check (octet_length(sha256) = 32),
	certificate bytea not null,
	-- The authority's signed report as it came: the proof that whoever holds the issuing key asked for this.
	report text not null,
	-- Name of the admin token under which it was registered.
	registered_by text not null,
	registered_at timestamptz not null
);

-- When this service first opened the log: no SCT of it is older. The trusted root states it as the start of the key.
create table ${schema}.log_start (
	public_key bytea primary key,
	started_at timestamptz not null
);

-- Every certificate above a logged one, once: data tiles name chains by these hashes.
create table ${schema}.issuers (
	-- SHA-256 of the certificate's DER.
	sha256 bytea primary key check (octet_length(sha256) = 32),
	certificate bytea not null
);
