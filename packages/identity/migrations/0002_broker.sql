-- What a broker keeps besides: sign-ins that are under way at another provider, tokens that were exchanged, wrong guesses,
-- and the record of who signed in.

-- Between the redirect to an upstream provider and the return to the interaction. A row is claimed once and deleted once.
create table ${schema}.upstream_logins (
	-- SHA-256 of the `state` parameter, base64url: whoever reads the table cannot continue a sign-in.
	state_hash text primary key,
	-- SHA-256 of the id of the interaction, which is also in a cookie, base64url.
	interaction_hash text not null,
	connector_id text not null,
	-- SHA-256 of the cookie of the browser that began, base64url.
	browser_hash text not null,
	nonce text not null,
	code_verifier text not null,
	claimed_at timestamptz,
	-- The account that the upstream provider named; null until it did.
	sub text,
	expires_at timestamptz not null
);

create index upstream_logins_by_expiry on ${schema}.upstream_logins (expires_at);

-- Subject tokens that were exchanged, until they expire: each is good for one exchange.
create table ${schema}.exchanged_tokens (
	issuer text not null,
	-- SHA-256 of the token, base64url.
	token_hash text not null,
	expires_at timestamptz not null,
	primary key (issuer, token_hash)
);

create index exchanged_tokens_by_expiry on ${schema}.exchanged_tokens (expires_at);

-- Wrong guesses of user codes and client secrets, counted per window of time.
create table ${schema}.wrong_guesses (
	-- What is guessed, and from where: `user-code/192.0.2.1`.
	counter text not null,
	window_start timestamptz not null,
	guesses integer not null,
	expires_at timestamptz not null,
	primary key (counter, window_start)
);

create index wrong_guesses_by_expiry on ${schema}.wrong_guesses (expires_at);

-- Who signed in, exchanged a token or was refused. Append only, until the configured time has passed.
create table ${schema}.audit_events (
	id text primary key,
	happened_at timestamptz not null,
	kind text not null,
	outcome text not null,
	connector_id text,
	subject text,
	email text,
	client_id text,
	-- As the connection shows it.
	client_address text,
	-- Why it was refused: an error code.
	reason text,
	request_id text,
	expires_at timestamptz not null
);

create index audit_events_by_time on ${schema}.audit_events (happened_at, id);
create index audit_events_by_expiry on ${schema}.audit_events (expires_at);

-- The profile in which this schema was first used. Accounts of a development instance prove nothing, so production refuses them.
create table ${schema}.origin (
	only_row boolean primary key default true check (only_row),
	profile text not null check (profile in ('development', 'production'))
);
