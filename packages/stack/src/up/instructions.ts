/** What a person does next: the URLs, and commands that work when pasted. */

import type { DataFolder } from '../instance/data-folder.ts';
import type { ClientFiles } from './client-files.ts';

export interface InstructionsInput {
	readonly folder: DataFolder;
	readonly files: ClientFiles;
	readonly urls: Readonly<Record<string, string>>;
	/** Base URL of the admin listener of each service. */
	readonly admin: ReadonlyMap<string, string>;
	readonly oidcIssuer: string;
	/** Path of the private authority that clients have to be told of; undefined: there is none. */
	readonly tlsCa: string | undefined;
	/** Path of the command in this checkout. */
	readonly command: string;
	/** The login page asks for the secret of the instance, because others reach it. */
	readonly isSecretAsked: boolean;
}

/** Each client signs into a bundle of its own, and may be asked to do it again: all lines can be pasted one after the other. */
export function instructions(input: InstructionsInput): string {
	const { folder, files, urls, admin, oidcIssuer, tlsCa, command, isSecretAsked } = input;
	const width = Math.max(...[...Object.keys(urls), ...admin.keys()].map((name) => name.length));
	const list = (entries: Iterable<[string, string]>) =>
		[...entries].map(([name, url]) => `  ${name.padEnd(width)}  ${url}`).join('\n');
	const chancery = quote(command);
	const data = quote(folder.path);
	const token = `$(${chancery} token --data ${data} --email you@example.com)`;
	return `
services
${list(Object.entries(urls))}
  ${'issuer'.padEnd(width)}  ${oidcIssuer}

administration, on loopback, for 'Authorization: Bearer' and secrets.operator of ${quote(folder.record)}
${list(admin)}
${isSecretAsked ? askingForSecret(quote(folder.record)) : ''}${tlsCa === undefined ? '' : trusting(quote(tlsCa))}
sign and verify with this command
  ${chancery} sign-blob --data ${data} --identity-token "${token}" --bundle README.chancery.json README.md
  ${chancery} verify-blob --data ${data} --bundle README.chancery.json --certificate-identity you@example.com --certificate-oidc-issuer ${oidcIssuer} README.md

cosign 3
  cosign initialize --mirror ${urls.tuf} --root ${quote(files.root.path)} --root-checksum ${files.root.sha256}
  cosign sign-blob --yes --identity-token "${token}" --bundle README.cosign.json README.md
  cosign verify-blob --bundle README.cosign.json --certificate-identity you@example.com --certificate-oidc-issuer ${oidcIssuer} README.md

sigstore-python 4
  sigstore --trust-config ${quote(files.clientTrustConfig)} sign --overwrite --identity-token "${token}" --bundle README.python.json README.md
  sigstore --trust-config ${quote(files.clientTrustConfig)} verify identity --cert-identity you@example.com --cert-oidc-issuer ${oidcIssuer} --bundle README.python.json README.md

npm's sigstore (JavaScript)
  await sigstore.sign(bytes, { fulcioURL: '${urls.ca}', rekorURL: '${urls.log}', tsaServerURL: '${urls.tsa}', identityToken })
  await sigstore.verify(bundle, bytes, { tufMirrorURL: '${urls.tuf}', tufRootPath: ${JSON.stringify(files.root.path)} })

more of these, and other clients, step by step
  docs/clients/README.md
`;
}

function askingForSecret(record: string): string {
	return `
other machines reach this instance, so its login page asks for a secret
  secrets.developmentToken of ${record}
`;
}

/** Go and OpenSSL take the file instead of the system's roots; this command and Node take it besides them. */
function trusting(tlsCa: string): string {
	return `
trust the TLS certificates of this instance (this command with --data does by itself)
  export SSL_CERT_FILE=${tlsCa}        # cosign, rekor-cli, sigstore-python, this command
  export REQUESTS_CA_BUNDLE=${tlsCa}   # sigstore-python
  export NODE_EXTRA_CA_CERTS=${tlsCa}  # npm's sigstore
`;
}

/** A word for a POSIX shell. */
function quote(text: string): string {
	return /^[A-Za-z0-9_./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
