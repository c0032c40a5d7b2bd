/**
 * Who can read a connection that a URL asks for, or impersonate its server. The judgement is the one of `pg`, which
 * interprets `sslmode` differently from libpq: it never falls back to plain text, and verifies certificate and name in
 * every mode but `no-verify`, unless `uselibpqcompat=true` asks for the weaker interpretation.
 */
import { isIP } from 'node:net';
import pg from 'pg';

export type ConnectionSecurity =
	/** A Unix socket, or TCP within this machine. */
	| 'local'
	/** TLS with a server that proved its name to a trusted authority. */
	| 'verified'
	/** TLS without a check of the server's certificate. */
	| 'unverified'
	/** `sslmode=prefer` or `allow`: for pg as good as verify-full, but other programs may use plain text. */
	| 'ambiguous'
	| 'plain';

/** The options that pg reads from a URL; its types leave these out. */
interface Parameters {
	readonly host: string;
	readonly ssl: boolean | undefined | { readonly rejectUnauthorized?: boolean; readonly checkServerIdentity?: unknown };
}

/**
 * Judges a `postgres://` URL. For what it does not state, PGHOST and PGSSLMODE of the environment count.
 * @throws {Error} when the URL, or a file that it names, cannot be read; the message does not contain the URL
 */
export function connectionSecurity(url: string): { readonly security: ConnectionSecurity; readonly host: string } {
	const { host, ssl } = parametersOf(url);
	if (host.startsWith('/') || isLoopbackHost(host)) return { security: 'local', host };
	if (!ssl) return { security: 'plain', host };
	if (typeof ssl === 'object' && (ssl.rejectUnauthorized === false || ssl.checkServerIdentity !== undefined))
		return { security: 'unverified', host };
	return { security: /[?&]sslmode=(prefer|allow)(&|$)/.test(url) ? 'ambiguous' : 'verified', host };
}

/**
 * Whether the connection stays within this machine: 127.0.0.0/8, ::1, and the name that means both. Names below
 * `localhost` are looked up like any other, so a DNS server decides their address (RFC 6761 section 6.3 only advises
 * against it).
 */
export function isLoopbackHost(host: string): boolean {
	const name = host.replace(/^\[|\]$/g, '').toLowerCase();
	if (name === 'localhost') return true;
	if (isIP(name) === 4) return name.startsWith('127.');
	return isIP(name) === 6 && new URL(`http://[${name}]`).hostname === '[::1]';
}

function parametersOf(url: string): Parameters {
	try {
		const client = new pg.Client({ connectionString: url }) as unknown as { connectionParameters: Parameters };
		return client.connectionParameters;
	} catch (error) {
		const code = (error as NodeJS.ErrnoException).code;
		const reason = code === undefined ? 'it is not valid' : `a file that it names cannot be read (${code})`;
		throw new Error(`the database URL cannot be used: ${reason}`, { cause: code === undefined ? undefined : error });
	}
}
