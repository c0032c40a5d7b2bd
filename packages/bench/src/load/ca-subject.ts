/**
 * A certificate authority under load: people with tokens of an issuer, each with a key of their own. After each window the CT log is
 * read and rebuilt: every certificate that was answered must be in it.
 */
import {
	createPrivateKey,
	createPublicKey,
	generateKeyPairSync,
	type KeyObject,
	randomBytes,
	sign,
	verify,
} from 'node:crypto';
import { CertificateJudge, type CertificateRequest } from '../judge/certificates.ts';
import { GrowingTree, leafHash } from '../judge/merkle.ts';
import type { CaTarget } from './messages.ts';
import { signToken } from './sign-token.ts';
import type { Subject } from './subject.ts';

/** Entries per request; a log may return fewer. */
const PAGE = 1000;
/** Longer than any run: the tokens are made before the window. */
const TOKEN_SECONDS = 24 * 3600;

export function caSubject(target: CaTarget): Subject<CertificateRequest> {
	const judge = new CertificateJudge({ chain: target.chain, ctLogKey: target.ctLog.publicKey });
	const issuerKey = createPrivateKey(target.issuer.privateKey);
	const ctLog = new CtLogReader(target.ctLog);
	const expected = new Set<string>();
	return {
		path: '/api/v2/signingCert',
		contentType: 'application/json',
		successes: [200, 201],
		open: async () => undefined,
		make: () => makeRequest(target, issuerKey),
		judge: (request, body) => {
			const verdict = judge.judge(request, body);
			if (typeof verdict === 'string') return [verdict];
			const leaf = verdict.leaf.toString('hex');
			if (expected.has(leaf)) return ['one timestamp was given out twice'];
			expected.add(leaf);
			return [];
		},
		settle: async () => {
			const complaints = await ctLog.read((leaf) => expected.delete(leaf.toString('hex')));
			if (expected.size > 0) complaints.push(`${expected.size} certificates are not in the CT log`);
			return { history: 'all in the CT log', complaints };
		},
	};
}

function makeRequest({ issuer }: CaTarget, issuerKey: KeyObject): CertificateRequest {
	const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const email = `person-${randomBytes(6).toString('hex')}@organisation.example`;
	const nowSeconds = Math.floor(Date.now() / 1000);
	const token = signToken(issuerKey, issuer.keyId, {
		iss: issuer.url,
		aud: 'sigstore',
		sub: randomBytes(12).toString('hex'),
		email,
		email_verified: true,
		iat: nowSeconds,
		exp: nowSeconds + TOKEN_SECONDS,
		nonce: randomBytes(16).toString('base64url'),
	});
	const body = JSON.stringify({
		credentials: { oidcIdentityToken: token },
		publicKeyRequest: {
			publicKey: { algorithm: 'ECDSA', content: publicKey.export({ type: 'spki', format: 'pem' }) },
			proofOfPossession: sign('sha256', Buffer.from(email), privateKey).toString('base64'),
		},
	});
	return { body, email, spki: publicKey.export({ type: 'spki', format: 'der' }) };
}

interface TreeHead {
	readonly tree_size: number;
	readonly timestamp: number;
	readonly sha256_root_hash: string;
	readonly tree_head_signature: string;
}

/** Reads the new entries of a CT log, and compares its tree head with the tree of everything that was read. */
class CtLogReader {
	readonly #url: string;
	readonly #key: KeyObject;
	readonly #tree = new GrowingTree();

	constructor({ host, port, publicKey }: CaTarget['ctLog']) {
		this.#url = `http://${host}:${port}/ct/v1`;
		this.#key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
	}

	/** Returns complaints. */
	async read(onLeaf: (hash: Buffer) => void): Promise<string[]> {
		const head = await this.#get<TreeHead>('get-sth');
		while (this.#tree.size < head.tree_size) {
			const end = Math.min(head.tree_size, this.#tree.size + PAGE) - 1;
			const { entries } = await this.#get<{ entries: { leaf_input: string }[] }>(
				`get-entries?start=${this.#tree.size}&end=${end}`,
			);
			if (entries.length === 0) return [`the CT log answers no entry at ${this.#tree.size}`];
			for (const { leaf_input } of entries) {
				const hash = leafHash(Buffer.from(leaf_input, 'base64'));
				this.#tree.append(hash);
				onLeaf(hash);
			}
		}
		return this.#judge(head);
	}

	/** RFC 6962 section 3.5. */
	#judge(head: TreeHead): string[] {
		const root = Buffer.from(head.sha256_root_hash, 'base64');
		const numbers = Buffer.alloc(16);
		numbers.writeBigUInt64BE(BigInt(head.timestamp), 0);
		numbers.writeBigUInt64BE(BigInt(head.tree_size), 8);
		const signed = Buffer.concat([Buffer.of(0, 1), numbers, root]);
		const signature = Buffer.from(head.tree_head_signature, 'base64').subarray(4);
		if (!verify('sha256', signed, this.#key, signature)) return ['the tree head of the CT log is not signed by it'];
		if (head.tree_size > 0 && this.#tree.root() !== root.toString('hex'))
			return [`the tree head of size ${head.tree_size} is not that of the entries`];
		return [];
	}

	async #get<T>(path: string): Promise<T> {
		const response = await fetch(`${this.#url}/${path}`);
		if (!response.ok) throw new Error(`${path} of the CT log: ${response.status} ${await response.text()}`);
		return (await response.json()) as T;
	}
}
