-- Schema identity after all migrations. Written by `npm run schema`.

create schema identity;

create table identity.accounts (
	sub text not null,
	connector_id text not null,
	user_id text not null,
	email text not null,
	email_verified boolean not null,
	expires_at timestamp with time zone not null,
	constraint accounts_pkey PRIMARY KEY (sub)
);

create table identity.artifacts (
	model text not null,
	id text not null,
	payload text not null,
	grant_id text,
	user_code text,
	uid text,
	consumed_at timestamp with time zone,
	expires_at timestamp with time zone not null,
	constraint artifacts_pkey PRIMARY KEY (model, id)
);

create table identity.audit_events (
	id text not null,
	happened_at timestamp with time zone not null,
	kind text not null,
	outcome text not null,
	connector_id text,
	subject text,
	email text,
	client_id text,
	client_address text,
	reason text,
	request_id text,
	expires_at timestamp with time zone not null,
	constraint audit_events_pkey PRIMARY KEY (id)
);

create table identity.exchanged_tokens (
	issuer text not null,
	token_hash text not null,
	expires_at timestamp with time zone not null,
	constraint exchanged_tokens_pkey PRIMARY KEY (issuer, token_hash)
);

create table identity.migrations (
	component text not null,
	id integer not null,
	name text not null,
	sha256 bytea not null,
	applied_at timestamp with time zone not null,
	constraint migrations_pkey PRIMARY KEY (component, id)
);

create table identity.origin (
	only_row boolean default true not null,
	profile text not null,
	constraint origin_only_row_check CHECK (only_row),
	constraint origin_pkey PRIMARY KEY (only_row),
	constraint origin_profile_check CHECK ((profile = ANY (ARRAY['development'::text, 'production'::text])))
);

create table identity.upstream_logins (
	state_hash text not null,
	interaction_hash text not null,
	connector_id text not null,
	browser_hash text not null,
	nonce text not null,
	code_verifier text not null,
	claimed_at timestamp with time zone,
	sub text,
	expires_at timestamp with time zone not null,
	constraint upstream_logins_pkey PRIMARY KEY (state_hash)
);

create table identity.wrong_guesses (
	counter text not null,
	window_start timestamp with time zone not null,
	guesses integer not null,
	expires_at timestamp with time zone not null,
	constraint wrong_guesses_pkey PRIMARY KEY (counter, window_start)
);

CREATE INDEX accounts_by_expiry ON identity.accounts USING btree (expires_at);

CREATE INDEX artifacts_by_expiry ON identity.artifacts USING btree (expires_at);

CREATE INDEX artifacts_by_grant ON identity.artifacts USING btree (grant_id) WHERE (grant_id IS NOT NULL);

CREATE INDEX artifacts_by_uid ON identity.artifacts USING btree (uid) WHERE (uid IS NOT NULL);

CREATE INDEX artifacts_by_user_code ON identity.artifacts USING btree (user_code) WHERE (user_code IS NOT NULL);

CREATE INDEX audit_events_by_expiry ON identity.audit_events USING btree (expires_at);

CREATE INDEX audit_events_by_time ON identity.audit_events USING btree (happened_at, id);

CREATE INDEX exchanged_tokens_by_expiry ON identity.exchanged_tokens USING btree (expires_at);

CREATE INDEX upstream_logins_by_expiry ON identity.upstream_logins USING btree (expires_at);

CREATE INDEX wrong_guesses_by_expiry ON identity.wrong_guesses USING btree (expires_at);
