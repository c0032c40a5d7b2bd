/** What `chancery init --dry-run` shows: every file, its mode, and what it is. Nothing is made. */
import { join, relative } from 'node:path';
import { type Answers, keyInToken } from './answers.ts';
import { REQUEST_PLACES } from './existing-pki.ts';
import { neededHolderKeys, PLACES } from './init-material.ts';
import { hostOf, layoutOf } from './layout.ts';

export interface PlannedFile {
	/** Below the folder. */
	readonly path: string;
	/** Octal. */
	readonly mode: string;
	readonly what: string;
}

/** @throws {Refusal} for answers that contradict each other */
export function plannedFiles(folder: string, answers: Answers): PlannedFile[] {
	const layout = layoutOf(folder, answers);
	const file = (path: string, mode: string, what: string): PlannedFile => ({
		path: relative(folder, path),
		mode,
		what,
	});
	const perHost = layout.hosts.flatMap((host) => [
		file(join(host.folder, 'chancery.yaml'), '0600', 'configuration'),
		...host.services.flatMap(({ name, keys }) =>
			Object.entries(keys)
				.filter(([key]) => !keyInToken(answers, name, key))
				.flatMap(([key, { algorithm, purpose }]) => [
					file(join(host.folder, PLACES.key(name, key)), '0600', `${algorithm}, encrypted: ${purpose}`),
					file(join(host.folder, PLACES.passphrase(name, key)), '0400', `passphrase of ${name}.${key}`),
				]),
		),
	]);
	const caHost = hostOf(layout, 'ca').folder;
	const holderFiles = neededHolderKeys(answers).filter((name) => !answers.offline.keys?.[name]);
	const isMade = holderFiles.length > 0 && answers.offline.passphraseFile === undefined;
	return [
		file(layout.record, '0600', 'what was decided'),
		file(layout.lock, '0600', 'empty: one run at a time'),
		file(layout.answers, '0600', 'the answers'),
		...perHost,
		file(join(caHost, PLACES.chain('ca')), '0644', 'certificates of the CA'),
		file(join(caHost, PLACES.ctlogKey), '0644', 'public key of the CT log'),
		file(join(hostOf(layout, 'tsa').folder, PLACES.chain('tsa')), '0644', 'certificates of the timestamp authority'),
		file(join(hostOf(layout, 'tuf').folder, PLACES.serviceToken), '0400', 'token of tuf for the other services'),
		file(layout.operatorToken, '0400', 'token of the operator'),
		...(answers.identity
			? [PLACES.signingJwks, ...(answers.identity.developmentLogin ? [PLACES.developmentSecret] : [])].map((path) =>
					file(join(hostOf(layout, 'identity').folder, path), '0400', 'secrets of the identity provider'),
				)
			: []),
		...holderFiles.map((name) =>
			file(join(layout.offline, `${name}.pem`), '0600', 'key of the keyholder, encrypted; to be taken away'),
		),
		...(isMade ? [file(join(layout.offline, 'passphrase'), '0400', 'passphrase of the keyholder')] : []),
		...(answers.existingPki?.certifies ?? []).map((name) =>
			file(
				join(folder, REQUEST_PLACES.request(name)),
				'0644',
				`request for the certificate of the ${name}, for your PKI`,
			),
		),
		file(join(layout.trust, 'root.json'), '0644', 'first root of trust'),
		file(join(layout.trust, 'material.json'), '0644', 'keys and certificates that the trusted root may name'),
		file(join(layout.trust, 'fingerprint.txt'), '0644', 'SHA-256 of the first root'),
	];
}
