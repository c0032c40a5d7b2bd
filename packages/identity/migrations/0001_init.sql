-- What an OpenID Connect sign-in leaves between two requests. Everything here expires; the clean-up job deletes it.

create table ${schema}.artifacts (
	model text not null,
	id text not null,
	-- JSON as the provider wrote it. Kept as text: nothing searches in it, and jsonb refuses NUL in what clients sent.
	payload text not null,
	grant_id text,
	user_code text,
	uid text,
	consumed_at timestamptz,
	expires_at timestamptz not null,
	primary key (model, id)
);

create index artifacts_by_grant on ${schema}.artifacts (grant_id) where grant_id is not null;
create index artifacts_by_user_code on ${schema}.artifacts (user_code) where user_code is not null;
create index artifacts_by_uid on ${schema}.artifacts (uid) where uid is not null;
create index artifacts_by_expiry on ${schema}.artifacts (expires_at);

-- Who signed in, for as long as tokens may still be asked for. Not a list of users.
create table ${schema}.accounts (
	sub text primary key,
	connector_id text not null,
	user_id text not null,
	email text not null,
	email_verified boolean not null,
	expires_at timestamptz not null
);

create index accounts_by_expiry on ${schema}.accounts (expires_at);
