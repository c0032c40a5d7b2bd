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

create table identity.migrations (
	component text not null,
	id integer not null,
	name text not null,
	sha256 bytea not null,
	applied_at timestamp with time zone not null,
	constraint migrations_pkey PRIMARY KEY (component, id)
);

CREATE INDEX accounts_by_expiry ON identity.accounts USING btree (expires_at);

CREATE INDEX artifacts_by_expiry ON identity.artifacts USING btree (expires_at);

CREATE INDEX artifacts_by_grant ON identity.artifacts USING btree (grant_id) WHERE (grant_id IS NOT NULL);

CREATE INDEX artifacts_by_uid ON identity.artifacts USING btree (uid) WHERE (uid IS NOT NULL);

CREATE INDEX artifacts_by_user_code ON identity.artifacts USING btree (user_code) WHERE (user_code IS NOT NULL);
