/** What a release of the chart is tested with: encrypted keys, a chain, and values as an operator writes them. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePem } from '@chancery/core/pem';
import { createFileKey } from '@chancery/keys/file/file-key';
import type { KeyAlgorithm, Signer } from '@chancery/keys/signer';
import { createTsaChain } from '@chancery/tsa/tsa-chain';

export interface ReleaseMaterial {
	/** Names and contents of the files of a role, for its Secret. */
	readonly secrets: Readonly<Record<'tsa' | 'log', Readonly<Record<string, string>>>>;
	readonly logKeys: Readonly<Record<'v1' | 'v2', Signer>>;
	/** PEM and DER, the certificate of the authority first. */
	readonly tsaChainPem: string;
	readonly tsaChain: readonly Uint8Array[];
	/** The section `config` of the values, with marks in files or in a database. */
	config(marks: 'files' | 'database'): object;
}

export const TREE_ID = '5120477213908651733';
export const HOSTS = { v1: 'log.sign.example.com', v2: 'log2.sign.example.com', tsa: 'tsa.sign.example.com' } as const;

export async function makeReleaseMaterial(folder: string): Promise<ReleaseMaterial> {
	await mkdir(folder, { recursive: true, mode: 0o700 });
	const passphrase = randomBytes(24).toString('base64url');
	const make = (file: string, algorithm: KeyAlgorithm) => createFileKey(join(folder, file), algorithm, { passphrase });
	const logKeys = { v1: await make('log-v1.pem', 'ecdsa-sha2-256-nistp256'), v2: await make('log-v2.pem', 'ed25519') };
	const { chainPem } = await createTsaChain({
		rootSigner: await make('root.pem', 'ecdsa-sha2-256-nistp256'),
		leafSigner: await make('tsa.pem', 'ecdsa-sha2-256-nistp256'),
		organization: 'Example',
		commonName: 'timestamp authority',
		notBefore: new Date(Date.now() - 60_000),
		random: randomBytes,
	});
	const read = async (...files: string[]) => {
		const texts = await Promise.all(files.map(async (file) => [file, await readFile(join(folder, file), 'utf8')]));
		return { ...Object.fromEntries(texts), passphrase } as Record<string, string>;
	};
	const key = (file: string) => ({
		uri: `file:secrets/${file}`,
		passphrase: { file: 'secrets/passphrase' },
	});
	const sha256 = createHash('sha256').update(randomBytes(24)).digest('hex');
	const admin = { tokens: [{ name: 'tuf', role: 'service', sha256 }] };
	const markDatabase = { file: 'database/marks-url' };
	return {
		secrets: { tsa: await read('tsa.pem'), log: await read('log-v1.pem', 'log-v2.pem') },
		logKeys,
		tsaChainPem: chainPem,
		tsaChain: parsePem(chainPem).map(({ der }) => der),
		config: (marks) => ({
			profile: 'production',
			// Between host and pods of one machine, without a proxy and without TLS.
			allow: ['plain-listeners', 'exposed-admin', 'plain-database'],
			tsa: {
				publicUrl: `https://${HOSTS.tsa}`,
				chainPem,
				keys: { signer: key('tsa.pem') },
				admin,
				...(marks === 'files' ? { markFile: '/var/lib/chancery/tsa' } : { markDatabase }),
			},
			log: {
				v1: { publicUrl: `https://${HOSTS.v1}`, hostname: HOSTS.v1, treeId: TREE_ID },
				v2: { publicUrl: `https://${HOSTS.v2}`, origin: HOSTS.v2 },
				keys: { v1: key('log-v1.pem'), v2: key('log-v2.pem') },
				admin,
				...(marks === 'files'
					? { markFiles: { v1: '/var/lib/chancery/v1', v2: '/var/lib/chancery/v2' } }
					: { markDatabase }),
			},
		}),
	};
}

/** A Secret as an object for the API server. */
export function secretObject(name: string, stringData: Readonly<Record<string, string>>): object {
	return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData };
}
