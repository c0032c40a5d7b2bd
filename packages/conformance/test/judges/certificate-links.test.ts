/**
 * One table of what may be wrong with a certificate chain, put to everything of ours that reads one, and to `openssl verify`.
 * The fault is in the link between the issuing certificate and the root. Where a caller accepts what another refuses, its
 * rule in `core/certificate-link` says so.
 */
import { execFileSync } from 'node:child_process';
import {
	constants,
	createPublicKey,
	generateKeyPairSync,
	type KeyObject,
	type SignKeyObjectInput,
	sign,
} from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openIssuingChain } from '@chancery/ca/tested/issuing-chain';
import { nodeCrypto } from '@chancery/client/node-crypto';
import { SIGNATURE_IDENTIFIERS } from '@chancery/core/algorithm-registry';
import { HASHES, RSA_PSS } from '@chancery/core/algorithms';
import { toBase64 } from '@chancery/core/bytes';
import { type Certificate, EKU_CODE_SIGNING, EKU_TIME_STAMPING, parseCertificate } from '@chancery/core/certificate';
import {
	encodeExtension,
	encodeName,
	encodePurpose,
	encodeSignedCertificate,
	encodeSigningUsage,
	encodeSubjectKeyId,
	encodeTbsCertificate,
} from '@chancery/core/certificate-encoding';
import { LINK_RULES, type LinkFault, linkFault } from '@chancery/core/certificate-link';
import { derBoolean, derContext, derInteger, derNamedBits, derNull, derOid, derSequence } from '@chancery/core/der';
import { encodePem } from '@chancery/core/pem';
import { completeChain } from '@chancery/ctlog/tested/complete-chain';
import { RootSet } from '@chancery/ctlog/tested/root-set';
import { isCertificateChain } from '@chancery/keys/checks/certificate-chain';
import { createSignatureChecks } from '@chancery/keys/checks/signature-checks';
import { generateSigner } from '@chancery/keys/file/generate';
import type { Signer } from '@chancery/keys/signer';
import { verifySignature } from '@chancery/keys/verify-signature';
import { openAuthority } from '@chancery/tsa/tested/authority';
import { checkReport } from '@chancery/tuf/tested/report-rules';
import { pathProblem } from '@chancery/verify/certificate-path';
import { describe, expect, it } from 'vitest';

const DAY_MS = 86_400_000;
const nowMs = Math.floor(Date.now() / 1000) * 1000;
const days = (n: number) => new Date(nowMs + n * DAY_MS);

interface Recipe {
	readonly issuer: string;
	readonly subject: string;
	readonly publicKey: Uint8Array;
	readonly signer: KeyObject | SignKeyObjectInput;
	/** OpenSSL's name; Ed25519 has none. */
	readonly hash: string | null;
	/** AlgorithmIdentifier. */
	readonly algorithm: Uint8Array;
	readonly notAfter: Date;
	readonly extensions: readonly Uint8Array[];
}

const spkiOf = (key: KeyObject) => new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }));
const ecKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const isCa = (pathLength?: number) =>
	encodeExtension(
		'2.5.29.19',
		true,
		derSequence(derBoolean(true), ...(pathLength === undefined ? [] : [derInteger(pathLength)])),
	);
const NO_CA = encodeExtension('2.5.29.19', true, derSequence());
const usage = (...bits: number[]) => encodeExtension('2.5.29.15', true, derNamedBits(bits));

function certificate(recipe: Recipe): Uint8Array {
	const tbs = encodeTbsCertificate({
		serial: Uint8Array.of(77),
		signatureIdentifier: recipe.algorithm,
		issuer: encodeName('Tests', recipe.issuer),
		subject: encodeName('Tests', recipe.subject),
		notBefore: days(-9),
		notAfter: recipe.notAfter,
		publicKey: recipe.publicKey,
		extensions: recipe.extensions,
	});
	return encodeSignedCertificate(tbs, recipe.algorithm, new Uint8Array(sign(recipe.hash, tbs, recipe.signer)));
}

interface Chain {
	/** Leaf, issuing certificate, root. */
	readonly ders: readonly [Uint8Array, Uint8Array, Uint8Array];
	readonly certificates: readonly [Certificate, Certificate, Certificate];
	readonly leafSigner: Signer;
	readonly issuingSigner: Signer;
}

interface Changes {
	readonly rootKey?: KeyObject;
	readonly root?: Partial<Recipe>;
	readonly issuing?: Partial<Recipe>;
}

const ECDSA = { hash: 'sha256', algorithm: SIGNATURE_IDENTIFIERS['ecdsa-sha2-256-nistp256'] };

async function makeChain({ rootKey = ecKey(), root, issuing }: Changes): Promise<Chain> {
	const leafSigner = generateSigner('ecdsa-sha2-256-nistp256');
	const issuingSigner = generateSigner('ecdsa-sha2-256-nistp256');
	const ca = { ...ECDSA, signer: rootKey, issuer: 'root', notAfter: days(90), extensions: [isCa(), usage(5, 6)] };
	const rootDer = certificate({
		...ca,
		...ownAlgorithm(rootKey),
		subject: 'root',
		publicKey: spkiOf(rootKey),
		...root,
	});
	const issuingDer = certificate({
		...ca,
		...ownAlgorithm(rootKey),
		subject: 'issuing',
		publicKey: issuingSigner.publicKey,
		extensions: [
			isCa(0),
			usage(5, 6),
			encodePurpose(EKU_CODE_SIGNING, false),
			encodeSubjectKeyId(issuingSigner.publicKey),
		],
		...issuing,
	});
	const tbs = encodeTbsCertificate({
		serial: Uint8Array.of(78),
		signatureIdentifier: ECDSA.algorithm,
		issuer: encodeName('Tests', 'issuing'),
		subject: encodeName('Tests', 'leaf'),
		notBefore: days(-1),
		notAfter: days(1),
		publicKey: leafSigner.publicKey,
		extensions: [encodeSigningUsage(), encodePurpose(EKU_TIME_STAMPING, true)],
	});
	const leafDer = encodeSignedCertificate(tbs, ECDSA.algorithm, await issuingSigner.sign(tbs));
	const ders = [leafDer, issuingDer, rootDer] as const;
	return { ders, certificates: ders.map(parseCertificate) as never, leafSigner, issuingSigner };
}

/** What a key of this kind signs with, and says so. */
function ownAlgorithm(key: KeyObject): Pick<Recipe, 'hash' | 'algorithm'> {
	if (key.asymmetricKeyType === 'ed25519') return { hash: null, algorithm: SIGNATURE_IDENTIFIERS.ed25519 };
	if (key.asymmetricKeyType === 'rsa')
		return { hash: 'sha256', algorithm: SIGNATURE_IDENTIFIERS['rsa-sign-pkcs1-2048-sha256'] };
	return ECDSA;
}

const { check } = createSignatureChecks({ maxQueuedMs: 60_000, threads: 0 });
const pemOf = (ders: readonly Uint8Array[]) => ders.map((der) => encodePem('CERTIFICATE', der)).join('');

/** Everything of ours that reads a chain: resolves when it accepts it. */
const CALLERS = {
	verifier: async ({ certificates: [leaf, ...above] }: Chain) => {
		const problem = await pathProblem(leaf, above, days(0), nodeCrypto);
		if (problem !== undefined) throw new Error(problem);
	},
	'signature log': async ({ certificates }: Chain) => {
		if (!isCertificateChain(certificates)) throw new Error('not a chain');
	},
	'CT log': async ({ certificates: [leaf, issuing, root] }: Chain) => {
		await completeChain(new RootSet([root]), [leaf, issuing], 0, check);
	},
	'CT log with the root': async ({ certificates }: Chain) => {
		await completeChain(new RootSet([certificates[2]]), certificates, 0, check);
	},
	'certificate authority': async ({ ders: [, ...chain], issuingSigner }: Chain) => {
		openIssuingChain(pemOf(chain), issuingSigner);
	},
	'timestamp authority': async ({ ders, leafSigner }: Chain) => {
		openAuthority({ chainPem: pemOf(ders), signer: leafSigner });
	},
	'root of trust': async ({ ders, leafSigner: { publicKey } }: Chain) => {
		const material = {
			kind: 'timestamp-authority' as const,
			subject: { organization: 'Tests', commonName: 'leaf' },
			uri: 'https://tsa.test/api/v1/timestamp',
			certChain: ders.map(toBase64),
			validForStart: days(-1).toISOString(),
		};
		checkReport({ service: 'tsa', material, issuedAt: days(0), publicKey }, nowMs);
	},
};
type Caller = keyof typeof CALLERS;

function opensslAccepts({ ders: [leaf, issuing, root] }: Chain): boolean {
	const folder = mkdtempSync(join(tmpdir(), 'chancery-links-'));
	try {
		for (const [name, der] of Object.entries({ leaf, issuing, root })) writeFileSync(join(folder, name), pemOf([der]));
		const files = ['-CAfile', 'root', '-untrusted', 'issuing', 'leaf'];
		execFileSync('openssl', ['verify', '-purpose', 'any', '-auth_level', '1', ...files], {
			cwd: folder,
			stdio: 'pipe',
		});
		return true;
	} catch {
		return false;
	} finally {
		rmSync(folder, { recursive: true });
	}
}

/** An RSA key signs by RSA-PSS and says so, with SHA-256 and a salt of its length. */
function rsaPss(key: KeyObject): Partial<Recipe> {
	const sha256 = derSequence(derOid(HASHES.SHA2_256.oid), derNull());
	const mask = derSequence(derOid(RSA_PSS.mgf1), sha256);
	const parameters = derSequence(derContext(0, {}, sha256), derContext(1, {}, mask), derContext(2, {}, derInteger(32)));
	return {
		hash: 'sha256',
		algorithm: derSequence(derOid(RSA_PSS.oid), parameters),
		signer: { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
	};
}

const RSA_KEY = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const SHA1 = { hash: 'sha1', algorithm: derSequence(derOid('1.2.840.10045.4.1')) };
const CT_LOG: readonly Caller[] = ['CT log', 'CT log with the root'];
const TIMES_APART: readonly Caller[] = [...CT_LOG, 'certificate authority', 'timestamp authority', 'root of trust'];

/** What a refusal says about the link, of those that say where it is but not what is wrong with it. */
const PLACES: Readonly<Partial<Record<Caller, RegExp>>> = {
	'signature log': /^not a chain$/,
	'CT log': /the chain ends in .*CN=issuing, which is neither an accepted root nor issued by one/,
	'certificate authority': /CN=issuing' is not issued by '.*CN=root'$/,
	'root of trust': /certificate 2 of the chain is not issued by the one behind it/,
};

/** The same of those that say what is wrong. */
const REASONS: Readonly<Record<LinkFault, Readonly<Partial<Record<Caller, RegExp>>>>> = {
	'issuer-name': {
		verifier: /the issuer name does not match/,
		'CT log with the root': /chain\[1\] .* the issuer named is .*CN=(other|Root), the next certificate is of .*CN=root/,
		'timestamp authority': /CN=issuing names .*CN=(other|Root) as its issuer/,
	},
	'not-a-ca': {
		verifier: /an issuer is not a CA/,
		'CT log with the root': /chain\[1\] .*CN=root is not a CA/,
		'timestamp authority': /CN=root issued .*CN=issuing but is no CA/,
	},
	'path-length': {
		verifier: /the path is longer than an issuer allows/,
		'certificate authority': /CN=issuing' is not issued by .*CN=root allows a path length of 0, 1 are needed$/,
		'timestamp authority': /CN=root allows a path length of 0, 1 are needed/,
	},
	'key-usage': {
		verifier: /an issuer may not sign certificates/,
		'timestamp authority': /the key usage of .*CN=root does not allow to sign certificates/,
	},
	'not-valid': { verifier: /a certificate is not valid at/ },
	'signature-algorithm': {
		verifier: /signature algorithm 1\.2\.840\.\S+ is not accepted/,
		'CT log with the root': /chain\[1\] .* the signature algorithm 1\.2\.840\.\S+ is not known/,
		'certificate authority': /CN=issuing' is not issued by .* the signature algorithm 1\.2\.840\.\S+ is not known/,
		'timestamp authority': /CN=issuing is signed with 1\.2\.840\.\S+, which clients do not verify/,
	},
	'key-type': {
		verifier: /a signature on the path does not verify/,
		'CT log with the root': /chain\[1\] .* made for a key of type \w+, the issuer has \w+$/,
		'timestamp authority': /the signature on .*CN=issuing is not by the key of .*CN=root/,
	},
	signature: {
		verifier: /a signature on the path does not verify/,
		'CT log with the root': /chain\[1\] .* the signature does not verify/,
		'timestamp authority': /the signature on .*CN=issuing is not by the key of .*CN=root/,
	},
};

/** What this caller must say; whoever fails for another reason has not judged the link. */
function wordsOf(caller: Caller, fault: LinkFault | undefined): RegExp {
	const words = (fault && REASONS[fault][caller]) ?? PLACES[caller];
	if (words === undefined) throw new Error(`no words for ${caller} and ${fault}`);
	return words;
}

interface Row {
	readonly fault: LinkFault | undefined;
	readonly changes?: Changes;
	/** Those that accept it nevertheless, or as the only ones refuse what is in order. */
	readonly except?: readonly Caller[];
	/** Where openssl sees it otherwise than the rules of a verifier. */
	readonly openssl?: boolean;
}

const ROWS: Readonly<Record<string, Row>> = {
	'nothing wrong': { fault: undefined },
	'a root with an RSA key': {
		fault: undefined,
		changes: { rootKey: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey },
	},
	'a root with an Ed25519 key': { fault: undefined, changes: { rootKey: generateKeyPairSync('ed25519').privateKey } },
	'a root without key usage': {
		fault: undefined,
		changes: { root: { extensions: [isCa()] } },
		except: ['certificate authority'],
	},
	'another issuer name': { fault: 'issuer-name', changes: { issuing: { issuer: 'other' } } },
	'an issuer name in other letters': {
		fault: 'issuer-name',
		changes: { issuing: { issuer: 'Root' } },
		// Names are compared by their bytes here, as Go does; openssl folds case and white space.
		openssl: true,
	},
	'an issuer that is no CA': { fault: 'not-a-ca', changes: { root: { extensions: [NO_CA] } } },
	'an issuer without basic constraints': {
		fault: 'not-a-ca',
		changes: { root: { extensions: [usage(5, 6)] } },
		// RFC 5280 section 6.1.4 (k) wants them; openssl takes the key usage in their place.
		openssl: true,
	},
	'a path length that is too short': {
		fault: 'path-length',
		changes: { root: { extensions: [isCa(0), usage(5, 6)] } },
		except: CT_LOG,
	},
	'a key that may not sign certificates': {
		fault: 'key-usage',
		changes: { root: { extensions: [isCa(), usage(0, 6)] } },
		except: CT_LOG,
	},
	'an issuer that had expired': { fault: 'not-valid', changes: { root: { notAfter: days(-2) } }, except: TIMES_APART },
	'SHA-1': { fault: 'signature-algorithm', changes: { issuing: SHA1 } },
	'RSA-PSS': {
		fault: 'signature-algorithm',
		changes: { rootKey: RSA_KEY, issuing: rsaPss(RSA_KEY) },
		// Rekor takes it; of those that must believe a chain, we read PKCS#1 only.
		except: ['signature log'],
		openssl: true,
	},
	'an ECDSA name for the signature of an RSA key': {
		fault: 'key-type',
		changes: { rootKey: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, issuing: ECDSA },
	},
	'an ECDSA name for the signature of an Ed25519 key': {
		fault: 'key-type',
		changes: {
			rootKey: generateKeyPairSync('ed25519').privateKey,
			issuing: { algorithm: ECDSA.algorithm },
		},
	},
	'an Ed25519 name for the signature of an ECDSA key': {
		fault: 'key-type',
		changes: { issuing: { algorithm: SIGNATURE_IDENTIFIERS.ed25519 } },
	},
	'another hash than it names': { fault: 'signature', changes: { issuing: { hash: 'sha384' } } },
	'a signature by another key': { fault: 'signature', changes: { issuing: { signer: ecKey() } } },
};

describe.each(Object.entries(ROWS))('a chain with %s', (_what, { fault, changes = {}, except = [], openssl }) => {
	it('is judged by the rules of a verifier, and openssl agrees', async () => {
		const chain = await makeChain(changes);
		const [, certificate, issuer] = chain.certificates;
		const link = { certificate, issuer, below: 1, at: days(-1) };
		expect(linkFault(link, LINK_RULES.verifier, verifySignature)).toBe(fault);
		expect(opensslAccepts(chain)).toBe(openssl ?? fault === undefined);
	});

	it.each(Object.keys(CALLERS) as Caller[])('meets the rules of the %s', async (caller) => {
		const accepted = CALLERS[caller](await makeChain(changes));
		if ((fault === undefined) !== except.includes(caller)) await expect(accepted).resolves.toBeUndefined();
		else await expect(accepted).rejects.toThrow(wordsOf(caller, fault));
	});
});
