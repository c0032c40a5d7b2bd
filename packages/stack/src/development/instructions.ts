/** What a person does next: the URLs, and commands that work when pasted. Each part begins with an empty line. */
import type { ClientFiles } from './client-files.ts';

export interface ClientInstructions {
	/** Where they lie for whoever pastes the commands. */
	readonly files: ClientFiles;
	readonly urls: Readonly<Record<string, string>>;
	readonly oidcIssuer: string;
	/** Our own command, and the option that says whom it trusts. */
	readonly ours: readonly [command: string, ...trust: string[]];
	/** Options besides, with which that command signs. */
	readonly signing?: readonly string[];
	/** The command that prints a token for you@example.com. */
	readonly token: readonly string[];
}

const WIDTH = 8;
const list = (entries: Iterable<readonly [string, string]>) =>
	[...entries].map(([name, url]) => `  ${name.padEnd(WIDTH)}  ${url}`).join('\n');

export function addresses(urls: Readonly<Record<string, string>>, oidcIssuer: string): string {
	return `\nservices\n${list([...Object.entries(urls), ['issuer', oidcIssuer]])}`;
}

/** @param admin base URL of the admin listener of each service */
export function administration(admin: ReadonlyMap<string, string>, record: string): string {
	return `\nadministration, on loopback, for 'Authorization: Bearer' and secrets.operator of ${quote(record)}\n${list(admin)}`;
}

export function askingForSecret(where: string): string {
	return `\nother machines reach this instance, so its login page asks for a secret\n  ${where}`;
}

/** Go and OpenSSL take the file instead of the system's roots; this command and Node take it besides them. */
export function trusting(tlsCa: string): string {
	const path = quote(tlsCa);
	return `
trust the TLS certificates of this instance (this command with --data does by itself)
  export SSL_CERT_FILE=${path}        # cosign, rekor-cli, sigstore-python, this command
  export REQUESTS_CA_BUNDLE=${path}   # sigstore-python
  export NODE_EXTRA_CA_CERTS=${path}  # npm's sigstore`;
}

/** Each client signs into a bundle of its own, and may be asked to do it again: all lines can be pasted one after the other. */
export function clientInstructions({ files, urls, oidcIssuer, ours, signing = [], token }: ClientInstructions): string {
	const [command, ...trust] = ours.map(quote);
	const tokenOf = `$(${token.map(quote).join(' ')})`;
	const who = `--certificate-identity you@example.com --certificate-oidc-issuer ${oidcIssuer}`;
	return `
sign and verify with this command
  ${[command, 'sign-blob', ...trust, ...signing.map(quote)].join(' ')} --identity-token "${tokenOf}" --bundle README.chancery.json README.md
  ${[command, 'verify-blob', ...trust].join(' ')} --bundle README.chancery.json ${who} README.md

cosign 3
  cosign initialize --mirror ${urls.tuf} --root ${quote(files.root.path)} --root-checksum ${files.root.sha256}
  cosign sign-blob --yes --identity-token "${tokenOf}" --bundle README.cosign.json README.md
  cosign verify-blob --bundle README.cosign.json ${who} README.md

sigstore-python 4
  sigstore --trust-config ${quote(files.clientTrustConfig)} sign --overwrite --identity-token "${tokenOf}" --bundle README.python.json README.md
  sigstore --trust-config ${quote(files.clientTrustConfig)} verify identity --cert-identity you@example.com --cert-oidc-issuer ${oidcIssuer} --bundle README.python.json README.md

npm's sigstore (JavaScript)
  await sigstore.sign(bytes, { fulcioURL: '${urls.ca}', rekorURL: '${urls.log}', tsaServerURL: '${urls.tsa}', identityToken })
  await sigstore.verify(bundle, bytes, { tufMirrorURL: '${urls.tuf}', tufRootPath: ${JSON.stringify(files.root.path)} })

more of these, and other clients, step by step
  docs/clients/README.md
`;
}

/** A word for a POSIX shell. */
function quote(text: string): string {
	return /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
