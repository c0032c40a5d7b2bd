-- Proofs of the key that an identity token is bound to (DPoP, RFC 9449). None is taken twice, at whichever replica. A row
-- may go once the proof is too old to be taken anyway.
create table ${schema}.shown_proof (
	-- SHA-256 over the thumbprint of the key and the proof's own id (jti).
	id bytea primary key check (octet_length(id) = 32),
	forget_at timestamptz not null
);

create index shown_proof_forget_at on ${schema}.shown_proof (forget_at);
