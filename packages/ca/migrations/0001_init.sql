-- One row per certificate that was begun, written before anything is signed. The private keys of this service have
-- signed nothing that has no row here.
create table ${schema}.issuance (
	-- Content octets of the serial number; the same in precertificate and certificate.
	serial bytea primary key check (octet_length(serial) between 1 and 20),
	-- SHA-256 of the TBSCertificate without poison and SCT list: what precertificate and certificate share.
	tbs_sha256 bytea not null check (octet_length(tbs_sha256) = 32),
	-- SHA-256 of the issuing key's SubjectPublicKeyInfo.
	issuer_key_hash bytea not null check (octet_length(issuer_key_hash) = 32),
	-- SHA-256 of the certified SubjectPublicKeyInfo.
	key_sha256 bytea not null check (octet_length(key_sha256) = 32),
	identity_issuer text not null,
	subject_type text not null check (subject_type in ('email', 'uri')),
	subject text not null,
	token_subject text not null,
	not_before timestamptz not null,
	not_after timestamptz not null,
	intended_at timestamptz not null
);

-- How it ended. An issuance without an outcome was cut short by a crash: its precertificate may have been signed and
-- may be in the log, but nobody was given a certificate.
create table ${schema}.outcome (
	serial bytea primary key references ${schema}.issuance (serial),
	state text not null check (state in ('issued', 'failed')),
	-- Code of the error when it failed.
	reason text,
	certificate bytea,
	sct bytea,
	sct_at timestamptz,
	ended_at timestamptz not null,
	check ((state = 'issued') = (certificate is not null and sct is not null and sct_at is not null)),
	check ((state = 'failed') = (reason is not null))
);

create index issuance_subject on ${schema}.issuance (subject, intended_at);
create index issuance_intended_at on ${schema}.issuance (intended_at);

create function ${schema}.refuse_change() returns trigger language plpgsql as $$
begin
	raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;

create trigger issuance_append_only before update or delete on ${schema}.issuance
	for each row execute function ${schema}.refuse_change();
create trigger outcome_append_only before update or delete on ${schema}.outcome
	for each row execute function ${schema}.refuse_change();
