/**
 * Bundles that real clients signed and real logs recorded: every part of them that core reads must verify with
 * OpenSSL's signatures. Bundles whose folder ends in `_fail` are only read: nothing but typed errors may come of it.
 */
import { createPublicKey, verify } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CONFORMANCE_CASES, isPresent } from '../test/vectors.ts';
import { equalBytes, fromBase64, toHex } from './bytes.ts';
import { type Certificate, parseCertificate, subjectAltNames } from './certificate.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { parseSctList, sctSignedData } from './ct.ts';
import { FormatError } from './format-error.ts';
import { readFulcioExtensions } from './fulcio-extensions.ts';
import { hashLeaf } from './merkle.ts';
import { parseNote } from './note.ts';
import { issuerKeyHash, SCT_LIST_OID, tbsWithoutSct } from './precertificate.ts';
import { checkInclusion, ProofError } from './proof.ts';
import { digest, sha256 } from './sha.ts';
import { isSigningCertificate, parseTimeStampResp } from './timestamp.ts';

interface Raw {
	readonly rawBytes: string;
}
interface Chain {
	readonly certChain: { readonly certificates: Raw[] };
}
interface TrustedRoot {
	readonly certificateAuthorities: Chain[];
	readonly timestampAuthorities?: Chain[];
	readonly ctlogs: { readonly publicKey: Raw }[];
}
interface Bundle {
	readonly verificationMaterial: {
		readonly certificate?: Raw;
		readonly x509CertificateChain?: { readonly certificates: Raw[] };
		readonly tlogEntries?: readonly {
			readonly canonicalizedBody: string;
			readonly inclusionProof?: {
				readonly logIndex: string;
				readonly treeSize: string;
				readonly rootHash: string;
				readonly hashes?: string[];
				readonly checkpoint?: { readonly envelope: string };
			};
		}[];
		readonly timestampVerificationData?: { readonly rfc3161Timestamps?: { readonly signedTimestamp: string }[] };
	};
}

const keyOf = (spki: Uint8Array) => createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });

function readJson<T>(path: string): T {
	return JSON.parse(readFileSync(path, 'utf8')) as T;
}

function trustedRootFor(folder: string): TrustedRoot {
	const own = join(folder, 'trusted_root.json');
	return readJson(existsSync(own) ? own : join(CONFORMANCE_CASES, 'production-trusted-root.json'));
}

function leafOf({ verificationMaterial }: Bundle): Certificate | undefined {
	const raw = verificationMaterial.certificate ?? verificationMaterial.x509CertificateChain?.certificates[0];
	return raw && parseCertificate(fromBase64(raw.rawBytes));
}

const certificatesOf = (chains: readonly Chain[]) =>
	chains.flatMap((chain) => chain.certChain.certificates.map((raw) => parseCertificate(fromBase64(raw.rawBytes))));

const folders = isPresent(CONFORMANCE_CASES)
	? readdirSync(CONFORMANCE_CASES, { withFileTypes: true })
			.filter((entry) => entry.isDirectory() && existsSync(join(CONFORMANCE_CASES, entry.name, 'bundle.sigstore.json')))
			.map((entry) => entry.name)
	: [];
const readBundle = (name: string) => readJson<Bundle>(join(CONFORMANCE_CASES, name, 'bundle.sigstore.json'));
const good = folders.filter((name) => !name.endsWith('_fail'));
const withCertificate = good.filter((name) => leafOf(readBundle(name)));

function checkScts(leaf: Certificate, root: TrustedRoot): boolean[] {
	const issuers = certificatesOf(root.certificateAuthorities).filter(({ subject }) => equalBytes(subject, leaf.issuer));
	return parseSctList(leaf.extension(SCT_LIST_OID)!.value).map((sct) => {
		const keys = root.ctlogs.map(({ publicKey }) => fromBase64(publicKey.rawBytes));
		const key = keyOf(keys.find((spki) => equalBytes(sha256(spki), sct.logId))!);
		return issuers.some((issuer) => {
			const entry = { type: 'precert' as const, issuerKeyHash: issuerKeyHash(issuer), tbs: tbsWithoutSct(leaf) };
			return verify('sha256', sctSignedData({ ...sct, entry }), key, sct.signature);
		});
	});
}

function checkEntries({ verificationMaterial }: Bundle): number {
	const entries = (verificationMaterial.tlogEntries ?? []).filter(({ inclusionProof }) => inclusionProof);
	for (const { canonicalizedBody, inclusionProof } of entries) {
		const claim = {
			index: Number(inclusionProof!.logIndex),
			size: Number(inclusionProof!.treeSize),
			leafHash: hashLeaf(fromBase64(canonicalizedBody)),
			root: fromBase64(inclusionProof!.rootHash),
			proof: (inclusionProof!.hashes ?? []).map(fromBase64),
		};
		checkInclusion(claim);
		const note = inclusionProof!.checkpoint?.envelope;
		if (!note) continue;
		const checkpoint = parseCheckpoint(parseNote(note).text);
		if (checkpoint.size !== claim.size || !equalBytes(checkpoint.root, claim.root))
			throw new ProofError('the checkpoint states another tree');
	}
	return entries.length;
}

const timestampsOf = ({ verificationMaterial }: Bundle) =>
	(verificationMaterial.timestampVerificationData?.rfc3161Timestamps ?? []).map(({ signedTimestamp }) =>
		parseTimeStampResp(fromBase64(signedTimestamp)),
	);

describe.runIf(isPresent(CONFORMANCE_CASES))('bundles of real clients', () => {
	it('carry certificates with a name, an issuer, and an SCT that verifies over the cut TBS', () => {
		expect(withCertificate.length).toBeGreaterThan(10);
		for (const name of withCertificate) {
			const leaf = leafOf(readBundle(name))!;
			expect(subjectAltNames(leaf)).toHaveLength(1);
			expect(readFulcioExtensions(leaf).issuer).toMatch(/^https:\/\//);
			expect([name, checkScts(leaf, trustedRootFor(join(CONFORMANCE_CASES, name)))]).toEqual([name, [true]]);
		}
	});

	it('carry inclusion proofs that lead to the root of their checkpoint', () => {
		const checked = good.reduce((count, name) => count + checkEntries(readBundle(name)), 0);
		expect(checked).toBeGreaterThan(10);
	});

	it('carry timestamps that verify with the certificate that they name', () => {
		let checked = 0;
		for (const name of good) {
			const root = trustedRootFor(join(CONFORMANCE_CASES, name));
			for (const stamp of timestampsOf(readBundle(name))) {
				const embedded = stamp.certificates.map((der) => parseCertificate(der));
				const known = [...certificatesOf(root.timestampAuthorities ?? []), ...embedded];
				const signer = known.find(({ der }) => isSigningCertificate(stamp.signingCertificate, der));
				const { digestAlgorithm, signedAttributes, signature, messageDigest } = stamp.signer;
				expect(toHex(digest(digestAlgorithm, stamp.tstInfo))).toBe(toHex(messageDigest));
				const hash = digestAlgorithm.replace('SHA2_', 'sha');
				expect(verify(hash, signedAttributes, keyOf(signer!.publicKey), signature)).toBe(true);
				checked += 1;
			}
		}
		expect(checked).toBeGreaterThan(3);
	});

	it('that clients must refuse cause no error but a typed one', () => {
		const refused = folders.filter((name) => name.endsWith('_fail') && name !== 'bundle-malformed-json_fail');
		expect(refused.length).toBeGreaterThan(10);
		for (const name of refused) {
			const bundle = readBundle(name);
			for (const read of [leafOf, checkEntries, timestampsOf]) {
				try {
					read(bundle);
				} catch (error) {
					expect([name, error instanceof FormatError || error instanceof ProofError]).toEqual([name, true]);
				}
			}
		}
	});
});
