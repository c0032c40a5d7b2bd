import { toBase64, utf8 } from '@chancery/core/bytes';
import { derInteger, derNull, derOctetString, derOid, derSequence } from '@chancery/core/der';
import { encodePem } from '@chancery/core/pem';
import { verifyBundle } from '@chancery/verify/verify-bundle';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { issueCertificate, leafExtensions, makeKey } from '../test/certificates.ts';
import { failureOf } from '../test/failures.ts';
import { EMAIL, ISSUER, type Reply, type ServiceName, SigningServices, token } from '../test/signing-services.ts';
import { nodeCrypto } from './node-crypto.ts';
import { attestBlob, inTotoStatement, signBlob } from './sign.ts';

const ARTIFACT = utf8('the artifact');
const ALICE = { kind: 'identities', anyOf: [{ subject: { exactly: EMAIL }, issuer: { exactly: ISSUER } }] } as const;

let services: SigningServices;
beforeAll(async () => {
	services = await SigningServices.start();
});
afterAll(() => services.close());
beforeEach(() => services.reset());

const STATEMENT = inTotoStatement({
	name: 'a',
	artifact: { bytes: ARTIFACT },
	predicateType: 'https://test/p',
	predicate: { a: 1 },
});
const sign = (version: 1 | 2 = 2) => signBlob({ bytes: ARTIFACT }, services.deps({ logApiVersions: [version] }));

describe.each([1, 2] as const)('with a v%d log', (version) => {
	it('an artifact is signed, and the bundle is good', async () => {
		const { bundle, evidence } = await sign(version);
		expect(services.asked).toEqual(['ca', 'tsa', `v${version}`]);
		expect(evidence.identity).toEqual({ subject: EMAIL, issuer: ISSUER });
		expect(bundle.mediaType).toBe('application/vnd.dev.sigstore.bundle.v0.3+json');
		const request = {
			bundle: JSON.parse(JSON.stringify(bundle)),
			trust: services.trust,
			policy: ALICE,
			crypto: nodeCrypto,
		};
		await verifyBundle({ ...request, artifact: { bytes: ARTIFACT } });
		const other = verifyBundle({ ...request, artifact: { bytes: utf8('another') } });
		expect((await failureOf(other)).code).toBe('artifact-mismatch');
	});

	it('a statement is signed as it was given', async () => {
		const deps = services.deps({ logApiVersions: [version] });
		const { bundle, evidence } = await attestBlob({ bytes: ARTIFACT }, STATEMENT, deps);
		expect(bundle.dsseEnvelope?.payload).toBe(toBase64(STATEMENT));
		expect(evidence.statement).toMatchObject({ predicate: { a: 1 }, subject: [{ name: 'a' }] });
	});

	it('a statement about another artifact is not given out', async () => {
		const deps = services.deps({ logApiVersions: [version] });
		const failure = await failureOf(attestBlob({ bytes: utf8('another') }, STATEMENT, deps));
		expect(failure.code).toBe('artifact-mismatch');
	});
});

it('each signature has a key of its own', async () => {
	const keys = [await sign(), await sign()].map(({ evidence }) => toBase64(evidence.publicKey));
	expect(keys[0]).not.toBe(keys[1]);
});

it('without a timestamp authority a v1 log is enough', async () => {
	const signingConfig = services.signingConfig({ tsaUrls: [], tsaConfig: null });
	const deps = services.deps({ signingConfig, logApiVersions: [1] });
	expect((await signBlob({ bytes: ARTIFACT }, deps)).evidence.times.map(({ source }) => source)).toEqual(['log']);
	expect(services.asked).toEqual(['ca', 'v1']);
});

const CODES: Readonly<Record<ServiceName, string>> = {
	ca: 'certificate-refused',
	tsa: 'timestamp-refused',
	v1: 'log-refused',
	v2: 'log-refused',
};
const SERVICES = Object.keys(CODES) as ServiceName[];
const versionFor = (name: ServiceName) => (name === 'v1' ? 1 : 2);

describe.each(SERVICES)('when %s', (name) => {
	it.each([400, 401, 403, 404, 409, 412, 429, 500, 503])(
		'answers %d, that is said in its own words',
		async (status) => {
			services.answers[name] = () => ({ status, body: '{"code":3,"message":"the \\u001b[31mreason"}' });
			const failure = await failureOf(sign(versionFor(name)));
			expect(failure.code).toBe(CODES[name]);
			expect(failure.message).toContain(`answered ${status}: the [31mreason`);
			// After a refusal, no further service is called.
			expect(services.asked.at(-1)).toBe(name);
		},
	);

	it.each([
		['nothing', ''],
		['no JSON and no DER', 'garbage'],
		['an empty object', '{}'],
		['null', 'null'],
		['a list', '[]'],
		['bytes', Uint8Array.of(0xff, 0xfe, 0x00)],
		['a page', '<html></html>'],
		['an empty sequence', derSequence()],
		['something deep', '['.repeat(100_000)],
		['something long', ' '.repeat(11 * 1024 * 1024)],
	])('answers %s with a good status, nothing is signed', async (_what, body) => {
		services.answers[name] = ({ status }) => ({ status, body });
		const failure = await failureOf(sign(versionFor(name)));
		expect([CODES[name], 'answer-malformed', 'inclusion-proof-invalid']).toContain(failure.code);
		expect(failure.message.length).toBeLessThan(5000);
		expect(services.asked.at(-1)).toBe(name);
	});

	it('answers with a redirect, it is not followed', async () => {
		services.answers[name] = () => ({ status: 307, body: '' });
		expect((await failureOf(sign(versionFor(name)))).code).toBe(CODES[name]);
	});
});

it('a service that is not there is named', async () => {
	const signingConfig = services.signingConfig();
	for (const list of [signingConfig.caUrls, signingConfig.tsaUrls, signingConfig.rekorTlogUrls])
		for (const service of list) service.url = 'http://127.0.0.1:1';
	const failure = await failureOf(signBlob({ bytes: ARTIFACT }, services.deps({ signingConfig })));
	expect(failure.code).toBe('certificate-refused');
	expect(failure.message).toContain('http://127.0.0.1:1');
});

describe('a certificate authority', () => {
	const answer = (...certificates: readonly string[]) => {
		services.answers.ca = ({ status }) => ({
			status,
			body: JSON.stringify({ signedCertificateEmbeddedSct: { chain: { certificates } } }),
		});
	};
	const pemOf = (publicKey: Uint8Array) =>
		encodePem('CERTIFICATE', issueCertificate(services.recipe('', publicKey, leafExtensions(EMAIL, ISSUER))));

	it.each([
		['no certificate', []],
		['no PEM', ['x']],
		['a key', [encodePem('PUBLIC KEY', makeKey().spki)]],
		['a certificate that is none', [encodePem('CERTIFICATE', derSequence(derNull()))]],
		['an empty certificate', ['-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n']],
	])('that answers %s gets nothing signed', async (_what, certificates) => {
		answer(...certificates);
		expect((await failureOf(sign())).code).toBe('answer-malformed');
		expect(services.asked).toEqual(['ca']);
	});

	it('that answers a certificate for another key gets nothing signed, and nothing logged', async () => {
		answer(pemOf(makeKey().spki));
		const failure = await failureOf(sign());
		expect(failure.message).toContain('a certificate for another key');
		expect(services.asked).toEqual(['ca']);
	});

	it('that answers with a detached timestamp only is refused', async () => {
		services.answers.ca = ({ status }) => ({
			status,
			body: JSON.stringify({
				signedCertificateDetachedSct: {
					chain: { certificates: [pemOf(makeKey().spki)] },
					signedCertificateTimestamp: 'AAAA',
				},
			}),
		});
		expect((await failureOf(sign())).message).toContain('no certificate with an embedded timestamp');
	});

	it.each([
		['by a stranger', { signer: makeKey() }, 'certificate-untrusted'],
		['that has expired', { notAfter: new Date(0) }, 'certificate-untrusted'],
		['for nobody', { extensions: leafExtensions('', '').slice(0, 2) }, 'identity-mismatch'],
		['for another purpose', { extensions: leafExtensions(EMAIL, ISSUER).slice(2) }, 'certificate-invalid'],
	])('that issues a certificate %s is detected', async (_what, changes, code) => {
		services.changeLeaf = (recipe) => ({ ...recipe, ...changes });
		const failure = await failureOf(sign());
		expect(failure.code).toBe(code);
	});
});

describe('a timestamp authority', () => {
	it.each([
		['without the nonce', { nonce: undefined }],
		['with another nonce', { nonce: derInteger(5) }],
		[
			'over something else',
			{
				imprint: derSequence(
					derSequence(derOid('2.16.840.1.101.3.4.2.1'), derNull()),
					derOctetString(new Uint8Array(32)),
				),
			},
		],
	])('that answers %s is detected before anything is logged', async (_what, changes) => {
		services.changeTimestamp = (recipe) => ({ ...recipe, ...changes });
		const failure = await failureOf(sign());
		expect(failure.message).toContain('the timestamp of another request');
		expect(services.asked).toEqual(['ca', 'tsa']);
	});

	it('that refuses in its own form is said to have refused', async () => {
		services.answers.tsa = ({ status }) => ({ status, body: derSequence(derSequence(derInteger(2))) });
		const failure = await failureOf(sign());
		expect([failure.code, failure.message]).toEqual(['timestamp-refused', expect.stringContaining('with status 2')]);
	});

	it.each([
		['by a stranger', () => ({ key: makeKey() }), 'timestamp-invalid'],
		['from yesterday', () => ({ genTime: new Date(services.nowMs - 86_400_000) }), 'timestamp-invalid'],
		['from tomorrow', () => ({ genTime: new Date(services.nowMs + 86_400_000) }), 'timestamp-invalid'],
	])('that answers a timestamp %s is detected', async (_what, changes, code) => {
		services.changeTimestamp = (recipe) => ({ ...recipe, ...changes() });
		expect((await failureOf(sign())).code).toBe(code);
	});
});

describe('a log', () => {
	const change = (name: 'v1' | 'v2', edit: (entry: any) => void) => {
		services.answers[name] = ({ status, body }: Reply) => {
			const json = JSON.parse(String(body));
			edit(name === 'v1' ? Object.values(json)[0] : json);
			return { status, body: JSON.stringify(json) };
		};
	};

	it.each([
		['v1', 'another body', (entry) => Object.assign(entry, { body: btoa('{}') })],
		['v1', 'another time', (entry) => Object.assign(entry, { integratedTime: 1 })],
		['v1', 'another log', (entry) => Object.assign(entry, { logID: '00'.repeat(32) })],
		['v1', 'no hex', (entry) => Object.assign(entry.verification.inclusionProof, { rootHash: '0'.repeat(64) })],
		['v1', 'another proof', (entry) => Object.assign(entry.verification.inclusionProof, { hashes: [] })],
		['v1', 'no promise', (entry) => Object.assign(entry.verification, { signedEntryTimestamp: '' })],
		['v1', 'no base64', (entry) => Object.assign(entry, { body: '%' })],
		['v1', 'no body', (entry) => Object.assign(entry, { body: '' })],
		[
			'v1',
			'a checkpoint beyond any bound',
			(entry) => Object.assign(entry.verification.inclusionProof, { checkpoint: 'x'.repeat(70_000) }),
		],
		[
			'v1',
			'more hashes than a tree has',
			(entry) => Object.assign(entry.verification.inclusionProof, { hashes: Array(65).fill('00'.repeat(32)) }),
		],
		['v2', 'another body', (entry) => Object.assign(entry, { canonicalizedBody: btoa('{}') })],
		['v2', 'another kind', (entry) => Object.assign(entry.kindVersion, { version: '0.0.3' })],
		['v2', 'another index', (entry) => Object.assign(entry, { logIndex: '1' })],
		['v2', 'another log', (entry) => Object.assign(entry.logId, { keyId: 'AAAA' })],
		['v2', 'another root', (entry) => Object.assign(entry.inclusionProof, { rootHash: toBase64(new Uint8Array(32)) })],
		['v2', 'no checkpoint of its own', (entry) => Object.assign(entry.inclusionProof.checkpoint, { envelope: 'x' })],
		['v2', 'a negative index', (entry) => Object.assign(entry, { logIndex: '-1' })],
	] satisfies ['v1' | 'v2', string, (entry: any) => void][])(
		'(%s) that answers %s is detected',
		async (name, _what, edit) => {
			change(name, edit);
			await failureOf(sign(versionFor(name)));
		},
	);

	it('that answers two entries, or none, is refused', async () => {
		services.answers.v1 = ({ status, body }) => {
			const json = JSON.parse(String(body));
			return { status, body: JSON.stringify({ ...json, ['0'.repeat(80)]: Object.values(json)[0] }) };
		};
		expect((await failureOf(sign(1))).message).toContain('something else than one entry');
		services.answers.v1 = ({ status }) => ({ status, body: '{}' });
		expect((await failureOf(sign(1))).message).toContain('something else than one entry');
	});

	it('that answers with another entry is detected', async () => {
		const replies: Reply[] = [];
		services.answers.v2 = (honest) => {
			replies.push(honest);
			return replies[0] as Reply;
		};
		await sign();
		expect((await failureOf(sign())).code).toBe('log-entry-mismatch');
	});
});

describe.each(SERVICES)('while %s is overloaded', (name) => {
	const passing: [string, Partial<Reply>][] = [
		['429 with Retry-After', { status: 429, headers: { 'retry-after': '3' } }],
		['503 with Retry-After', { status: 503, headers: { 'retry-after': '3' } }],
		['503 without', { status: 503 }],
		['502', { status: 502 }],
		['504', { status: 504 }],
		['nothing, and the connection is reset', { isReset: true }],
	];
	it.each(passing)('it answers %s, and is asked again until it has room', async (_what, reply) => {
		let turnedAway = 0;
		services.answers[name] = (honest) => (turnedAway++ < 3 ? { ...honest, body: '', ...reply } : honest);
		await sign(versionFor(name));
		expect(services.asked.filter((other) => other === name)).toHaveLength(4);
		expect(services.said).toHaveLength(3);
		for (const message of services.said) expect(message).toMatch(/^POST .*; trying again in [0-9.]+ s$/);
		const least = reply.headers ? 3000 : 0;
		expect(services.pausesMs.every((ms) => ms >= least + 250 && ms <= least + 2000)).toBe(true);
	});

	it('and asks to stay away longer than there is time, that is said at once', async () => {
		services.answers[name] = () => ({ status: 503, body: '', headers: { 'retry-after': '3600' } });
		const failure = await failureOf(sign(versionFor(name)));
		expect(failure).toMatchObject({ code: CODES[name], message: expect.stringMatching(/come back in 3600 s/) });
		expect(services.pausesMs).toEqual([]);
	});

	it('for good, the client gives up within the life of a certificate, having asked ever less often', async () => {
		services.answers[name] = () => ({ status: 503, body: '' });
		const failure = await failureOf(sign(versionFor(name)));
		expect(failure.message).toMatch(/answered 503, [0-9]+ times in [0-9]+ s/);
		expect(services.pausesMs.reduce((sum, ms) => sum + ms)).toBeLessThan(600_000);
		expect(services.asked.length).toBeLessThan(100);
		expect(services.pausesMs.at(-1)).toBeGreaterThan(5000);
	});
});

describe('what is repeated', () => {
	it('is the same entry: nothing is signed or logged twice', async () => {
		const bodies: string[] = [];
		services.answers.v2 = (honest, request) => {
			bodies.push(JSON.stringify(request));
			return bodies.length < 4 ? { status: 503, body: '' } : honest;
		};
		await sign();
		expect(new Set(bodies).size).toBe(1);
		expect(services.asked.filter((name) => name === 'ca' || name === 'tsa')).toEqual(['ca', 'tsa']);
	});

	it.each([64, 80])(
		'is found at a log that refuses it because its first answer was lost (id of %i digits)',
		async (digits) => {
			let attempts = 0;
			services.answers.v1 = (honest) => {
				const path = `/api/v1/log/entries/${Object.keys(JSON.parse(String(honest.body)))[0]?.slice(-digits)}`;
				services.entriesV1.set(path, String(honest.body));
				if (attempts++ === 0) return { ...honest, isReset: true };
				return { status: 409, body: '{"message":"exists"}', headers: { location: path } };
			};
			await sign(1);
			expect(attempts).toBe(2);
		},
	);

	it('is not taken from another entry, wherever a log points', async () => {
		await sign(1);
		const path = [...services.entriesV1.keys()][0] ?? '';
		for (const location of [path, '/api/v1/log/entries/..', 'http://127.0.0.1:1/x', `/${'a'.repeat(80)}`]) {
			services.answers.v1 = () => ({ status: 409, body: '{"message":"exists"}', headers: { location } });
			await failureOf(sign(1));
		}
	});

	it('is not asked for a token that has run out meanwhile', async () => {
		services.answers.ca = () => ({ status: 503, body: '' });
		const identityToken = token({ exp: Math.floor(services.nowMs / 1000) + 20 });
		await failureOf(signBlob({ bytes: ARTIFACT }, services.deps({ identityToken })));
		expect(services.pausesMs.reduce((sum, ms) => sum + ms)).toBeLessThan(20_000);
	});

	it.each([400, 401, 403, 404, 409, 412, 500, 501])('is not what was refused with %d', async (status) => {
		services.answers.ca = () => ({ status, body: '' });
		await failureOf(sign());
		expect(services.asked).toEqual(['ca']);
	});
});

it('a token that cannot be read stops before anyone is asked', async () => {
	const failure = await failureOf(signBlob({ bytes: ARTIFACT }, services.deps({ identityToken: 'x' })));
	expect(failure.code).toBe('token-malformed');
	expect(services.asked).toEqual([]);
});

it('possession is proved over the subject that the token has', async () => {
	const identityToken = token({ sub: 'someone else' });
	await signBlob({ bytes: ARTIFACT }, services.deps({ identityToken }));
	const email = token({ email: EMAIL, email_verified: true });
	expect((await failureOf(signBlob({ bytes: ARTIFACT }, services.deps({ identityToken: email })))).message).toContain(
		'no proof',
	);
});
