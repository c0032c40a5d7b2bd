-- Schema ca after all migrations. Written by `npm run schema`.

create schema ca;

CREATE OR REPLACE FUNCTION ca.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
	raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end
$function$;

create table ca.issuance (
	serial bytea not null,
	tbs_sha256 bytea not null,
	issuer_key_hash bytea not null,
	key_sha256 bytea not null,
	identity_issuer text not null,
	subject_type text not null,
	subject text not null,
	token_subject text not null,
	not_before timestamp with time zone not null,
	not_after timestamp with time zone not null,
	intended_at timestamp with time zone not null,
	constraint issuance_issuer_key_hash_check CHECK ((octet_length(issuer_key_hash) = 32)),
	constraint issuance_key_sha256_check CHECK ((octet_length(key_sha256) = 32)),
	constraint issuance_pkey PRIMARY KEY (serial),
	constraint issuance_serial_check CHECK (((octet_length(serial) >= 1) AND (octet_length(serial) <= 20))),
	constraint issuance_subject_type_check CHECK ((subject_type = ANY (ARRAY['email'::text, 'uri'::text]))),
	constraint issuance_tbs_sha256_check CHECK ((octet_length(tbs_sha256) = 32))
);

create table ca.migrations (
	component text not null,
	id integer not null,
	name text not null,
	sha256 bytea not null,
	applied_at timestamp with time zone not null,
	constraint migrations_pkey PRIMARY KEY (component, id)
);

create table ca.outcome (
	serial bytea not null,
	state text not null,
	reason text,
	certificate bytea,
	sct bytea,
	sct_at timestamp with time zone,
	ended_at timestamp with time zone not null,
	constraint outcome_check CHECK (((state = 'issued'::text) = ((certificate IS NOT NULL) AND (sct IS NOT NULL) AND (sct_at IS NOT NULL)))),
	constraint outcome_check1 CHECK (((state = 'failed'::text) = (reason IS NOT NULL))),
	constraint outcome_pkey PRIMARY KEY (serial),
	constraint outcome_state_check CHECK ((state = ANY (ARRAY['issued'::text, 'failed'::text])))
);

create table ca.shown_proof (
	id bytea not null,
	forget_at timestamp with time zone not null,
	constraint shown_proof_id_check CHECK ((octet_length(id) = 32)),
	constraint shown_proof_pkey PRIMARY KEY (id)
);

CREATE INDEX issuance_intended_at ON ca.issuance USING btree (intended_at);

CREATE INDEX issuance_subject ON ca.issuance USING btree (subject, intended_at);

CREATE INDEX shown_proof_forget_at ON ca.shown_proof USING btree (forget_at);

alter table ca.outcome add constraint outcome_serial_fkey FOREIGN KEY (serial) REFERENCES ca.issuance(serial);

CREATE TRIGGER issuance_append_only BEFORE DELETE OR UPDATE ON ca.issuance FOR EACH ROW EXECUTE FUNCTION ca.refuse_change();

CREATE TRIGGER outcome_append_only BEFORE DELETE OR UPDATE ON ca.outcome FOR EACH ROW EXECUTE FUNCTION ca.refuse_change();
