/**
 * Who can listen to, or pretend to be the server of, a connection that a URL asks for. The judgement is that of `pg`
 * itself, which reads `sslmode` otherwise than libpq does: it never falls back to plain text, and verifies certificate
 * and name in every mode but `no-verify`, unless `uselibpqcompat=true` asks for the weaker readings.
 */
import { isIP } from 'node:net';
import pg from 'pg';

export type ConnectionSecurity =
	/** A Unix socket, or TCP within this machine. */
	| 'local'
	/** TLS with a server that proved its name to a trusted authority. */
	| 'verified'
	/** TLS with whoever answers. */
	| 'unverified'
	/** `sslmode=prefer` or `allow`: for pg as good as verify-full, for every other program perhaps plain text. */
	| 'ambiguous'
	| 'plain';

/** What pg makes of a URL; its types leave these out. */
interface Parameters {
	readonly host: string;
	readonly ssl: boolean | undefined | { readonly rejectUnauthorized?: boolean; readonly checkServerIdentity?: unknown };
}

/**
 * Judges a `postgres://` URL, and the PGHOST and PGSSLMODE of the environment where it is silent.
 * @throws Error without the URL when it cannot be read, or a file that it names cannot
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
 * Whether nobody but this machine takes part: 127.0.0.0/8, ::1, and the name that means both. Names below `localhost`
 * are looked up like any other: whoever answers for DNS says where they lead (RFC 6761 section 6.3 only asks not to).
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
