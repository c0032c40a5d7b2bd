import { X509Certificate } from 'node:crypto';
import { equalBytes, toHex } from '@chancery/core/bytes';
import { parseCertificate } from '@chancery/core/certificate';
import { parsePem } from '@chancery/core/pem';
import { tbsWithoutPoison, tbsWithoutSct } from '@chancery/core/precertificate';
import { sha256 } from '@chancery/core/sha';
import { generateSigner } from '@chancery/keys/file/generate';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { generateClientKey, keyRequest } from '../../test/client-key.ts';
import { startInstance, type TestInstance } from '../../test/instance.ts';
import { expectRefusal } from '../../test/refusal.ts';
import type { IssueStep } from './issue.ts';

interface IssuanceRow {
	serial: Uint8Array;
	tbs_sha256: Uint8Array;
	key_sha256: Uint8Array;
	subject: string;
	identity_issuer: string;
	token_subject: string;
	state: string | null;
	reason: string | null;
	certificate: Uint8Array | null;
}

let ca: TestInstance;
beforeAll(async () => {
	ca = await startInstance();
});
afterAll(() => ca.close());
beforeEach(() => {
	ca.ctLog.behaviour = {};
	ca.ctLog.entries.length = 0;
	ca.ctLog.requests.length = 0;
	ca.afterStep = () => undefined;
});

const key = generateClientKey();

async function request(email: string) {
	const token = await ca.people.mint({ email, email_verified: true });
	return ca.publicApp.inject({ method: 'POST', url: '/api/v2/signingCert', payload: keyRequest(key, email, token) });
}

async function legacyRequest(email: string) {
	const token = await ca.people.mint({ email, email_verified: true });
	return ca.publicApp.inject({
		method: 'POST',
		url: '/api/v1/signingCert',
		headers: { authorization: `Bearer ${token}` },
		payload: {
			publicKey: { content: Buffer.from(key.pem).toString('base64'), algorithm: 'ecdsa' },
			signedEmailAddress: key.prove(email),
		},
	});
}

function expectPassing(response: Awaited<ReturnType<typeof request>>): void {
	const sentence = 'Error entering certificate in CTL';
	expectRefusal(response, { status: 503, code: 14, sentence, reason: 'ct-log-unavailable' });
	expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
}

async function rowsOf(subject: string): Promise<IssuanceRow[]> {
	return ca.data.database.query<IssuanceRow>(
		`select i.serial, i.tbs_sha256, i.key_sha256, i.subject, i.identity_issuer, i.token_subject, o.state, o.reason, o.certificate
		from ca.issuance i left join ca.outcome o using (serial) where i.subject = $1`,
		[subject],
	);
}

describe('a certificate that is issued', () => {
	it('is in the log, in the answer and in the record, with the same content everywhere', async () => {
		const response = await request('whole@example.com');
		expect(response.statusCode).toBe(200);
		const pems: string[] = response.json().signedCertificateEmbeddedSct.chain.certificates;
		const certificate = parseCertificate(parsePem(pems[0]!)[0]!.der);
		const [row] = await rowsOf('whole@example.com');
		expect(row).toMatchObject({
			state: 'issued',
			reason: null,
			identity_issuer: ca.people.url,
			token_subject: 'subject-1',
		});
		expect(toHex(row!.certificate!)).toBe(toHex(certificate.der));
		expect(toHex(row!.serial)).toBe(toHex(certificate.serial));
		expect(toHex(row!.key_sha256)).toBe(toHex(sha256(key.spki)));
		const [logged] = ca.ctLog.entries;
		expect(ca.ctLog.entries).toHaveLength(1);
		expect(equalBytes(tbsWithoutPoison(logged!), tbsWithoutSct(certificate))).toBe(true);
		expect(toHex(row!.tbs_sha256)).toBe(toHex(sha256(tbsWithoutSct(certificate))));
	});

	it('begins at the second of the request and ends ten minutes later', async () => {
		const response = await request('times@example.com');
		const [pem] = response.json().signedCertificateEmbeddedSct.chain.certificates;
		const { validFromDate, validToDate } = new X509Certificate(pem);
		expect(validFromDate.toISOString()).toBe('2026-08-01T12:00:00.000Z');
		expect(validToDate.toISOString()).toBe('2026-08-01T12:10:00.000Z');
	});

	it('has a serial number of twenty octets that no other has', async () => {
		const serials = new Set<string>();
		for (let i = 0; i < 8; i++) await request('serials@example.com');
		for (const row of await rowsOf('serials@example.com')) {
			expect(row.serial).toHaveLength(20);
			expect(row.serial[0]).toBeLessThan(0x80);
			expect(row.serial[0]).toBeGreaterThan(0);
			serials.add(toHex(row.serial));
		}
		expect(serials.size).toBe(8);
	});
});

describe('a crash between the steps', () => {
	class Crash extends Error {}
	const crashAfter = (step: IssueStep) => {
		ca.afterStep = (done) => {
			if (done === step) throw new Crash(step);
		};
	};

	it.each<{ step: IssueStep; logged: number; state: string | null }>([
		{ step: 'intended', logged: 0, state: null },
		{ step: 'precertificate-signed', logged: 0, state: null },
		{ step: 'logged', logged: 1, state: null },
		{ step: 'signed', logged: 1, state: null },
		{ step: 'recorded', logged: 1, state: 'issued' },
	])('after "$step" leaves an intent, $logged log entries and the outcome $state', async ({ step, logged, state }) => {
		const subject = `crash-${step}@example.com`;
		crashAfter(step);
		const response = await request(subject);
		expect(response.statusCode).toBe(500);
		expect(response.body).not.toContain('BEGIN CERTIFICATE');
		const rows = await rowsOf(subject);
		expect(rows).toHaveLength(1);
		expect(rows[0]!.state).toBe(state);
		expect(ca.ctLog.entries).toHaveLength(logged);
		for (const entry of ca.ctLog.entries) {
			expect(toHex(entry.serial)).toBe(toHex(rows[0]!.serial));
			expect(toHex(sha256(tbsWithoutPoison(entry)))).toBe(toHex(rows[0]!.tbs_sha256));
		}
	});

	it('leaves the authority able to serve the next request', async () => {
		crashAfter('logged');
		await request('again@example.com');
		ca.afterStep = () => undefined;
		expect((await request('again@example.com')).statusCode).toBe(200);
		const states = (await rowsOf('again@example.com')).map(({ state }) => state);
		expect(states.sort()).toEqual(['issued', null]);
	});
});

describe('a log that cannot be trusted', () => {
	it.each([
		{ name: 'another log id', behaviour: { idOf: generateSigner('ecdsa-sha2-256-nistp256') }, reason: 'sct-invalid' },
		{ name: 'another key', behaviour: { signWith: generateSigner('ecdsa-sha2-256-nistp256') }, reason: 'sct-invalid' },
		{ name: 'a signature over something else', behaviour: { signOther: true }, reason: 'sct-invalid' },
		{ name: 'a time in the future', behaviour: { skewMs: 31_000 }, reason: 'sct-invalid' },
		{ name: 'a time in the past', behaviour: { skewMs: -31_000 }, reason: 'sct-invalid' },
		{ name: 'another signature algorithm', behaviour: { algorithms: [4, 1] as const }, reason: 'sct-invalid' },
		{ name: 'another hash', behaviour: { algorithms: [6, 3] as const }, reason: 'sct-invalid' },
		{ name: 'no JSON', behaviour: { garbage: '<html>' }, reason: 'ct-log-failed' },
		{
			name: 'a broken signature structure',
			behaviour: {
				garbage: JSON.stringify({ sct_version: 0, id: 'AAAA', timestamp: 1, extensions: '', signature: 'AAAA' }),
			},
			reason: 'sct-invalid',
		},
		{ name: 'a refusal', behaviour: { refuse: { status: 400, times: 1 } }, reason: 'ct-log-failed' },
		{ name: 'a fault of its own', behaviour: { refuse: { status: 500, times: 9 } }, reason: 'ct-log-failed' },
		{ name: 'without end', behaviour: { garbage: ' '.repeat(65 * 1024) }, reason: 'ct-log-failed' },
	])('that answers $name gets nothing issued, and the record says $reason', async ({ name, behaviour, reason }) => {
		ca.ctLog.behaviour = { ...behaviour, ...('refuse' in behaviour ? { refuse: { ...behaviour.refuse! } } : {}) };
		const subject = `${name.replaceAll(' ', '-')}@example.com`;
		const response = await request(subject);
		expect(response.statusCode).toBe(500);
		expect(response.json()).toMatchObject({ code: 13, details: [{ reason }] });
		if (reason === 'ct-log-failed') expect(response.json().message).toMatch(/^Error entering certificate in CTL/);
		expect(await rowsOf(subject)).toMatchObject([{ state: 'failed', reason, certificate: null }]);
	});

	it.each([408, 429, 502, 503, 504])(
		'that answers %i all the time is something to come back for, on both wires',
		async (status) => {
			ca.ctLog.behaviour = { refuse: { status, times: 6 } };
			const subject = `log-${status}@example.com`;
			expectPassing(await request(subject));
			expect(await rowsOf(subject)).toMatchObject([{ state: 'failed', reason: 'ct-log-unavailable' }]);
			expectPassing(await legacyRequest(subject));
		},
	);

	it.each(['before', 'within'] as const)(
		'that hangs up %s its answer is something to come back for',
		async (hangUp) => {
			ca.ctLog.behaviour = { hangUp };
			expectPassing(await request(`hang-up-${hangUp}@example.com`));
		},
	);

	it('that has been stopped is something to come back for, and issuance goes on when it is back', async () => {
		await ca.ctLog.stop();
		expectPassing(await request('stopped@example.com'));
		await ca.ctLog.start();
		expect((await request('stopped@example.com')).statusCode).toBe(200);
		expect((await rowsOf('stopped@example.com')).map(({ reason }) => reason).sort()).toEqual([
			'ct-log-unavailable',
			null,
		]);
	});

	it('is asked again when it was busy for a moment', async () => {
		ca.ctLog.behaviour = { refuse: { status: 503, times: 2 } };
		expect((await request('busy@example.com')).statusCode).toBe(200);
		expect(ca.ctLog.requests.filter((url) => url.endsWith('add-pre-chain'))).toHaveLength(3);
	});

	it('may put extensions into the timestamp, which are embedded as they are', async () => {
		const extensions = Uint8Array.of(0, 0, 5, 0, 0, 0, 0, 112);
		ca.ctLog.behaviour = { extensions };
		const response = await request('extensions@example.com');
		expect(response.statusCode).toBe(200);
		const [pem] = response.json().signedCertificateEmbeddedSct.chain.certificates;
		expect(toHex(parsePem(pem)[0]!.der)).toContain(toHex(extensions));
	});
});

describe('the record', () => {
	it.each(['update ca.issuance set subject = subject', 'delete from ca.outcome'])(
		'refuses to be changed: %s',
		async (statement) => {
			await request('record@example.com');
			await expect(ca.data.database.query(statement)).rejects.toThrow('append-only');
		},
	);

	it('that cannot be written stops the issuance before anything is signed', async () => {
		await ca.data.database.query('alter table ca.issuance rename to hidden');
		const response = await request('norecord@example.com');
		await ca.data.database.query('alter table ca.hidden rename to issuance');
		expect(response.statusCode).toBe(503);
		expect(response.json()).toMatchObject({ code: 14, details: [{ reason: 'store-unavailable' }] });
		expect(ca.ctLog.requests).toEqual([]);
	});

	it('that does not answer in time, because a table is locked, is something to come back for', async () => {
		const locked = Promise.withResolvers<void>();
		const holding = ca.data.database.transaction(async (sql) => {
			await sql.query('lock table ca.issuance in access exclusive mode');
			locked.resolve();
			await sql.query('select pg_sleep(6)');
		});
		await locked.promise;
		const response = await request('locked@example.com');
		await holding;
		expectRefusal(response, {
			status: 503,
			code: 14,
			sentence: 'The database does not answer',
			reason: 'store-unavailable',
		});
		expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
		expect(ca.ctLog.requests).toEqual([]);
		expect((await request('locked@example.com')).statusCode).toBe(200);
	});
});

describe('a key store that is gone', () => {
	it('leaves a failed intent, and nothing in the log', async () => {
		ca.signerFails = true;
		const response = await request('nokey@example.com');
		ca.signerFails = false;
		expect(response.statusCode).toBe(500);
		expect(response.json()).toMatchObject({
			code: 13,
			message: 'error communicating with CA backend',
			details: [{ reason: 'signer-failed' }],
		});
		expect(ca.ctLog.entries).toEqual([]);
		expect(await rowsOf('nokey@example.com')).toMatchObject([{ state: 'failed', reason: 'signer-failed' }]);
	});
});

describe('a chain that has ended', () => {
	it('issues nothing and leaves no row', async () => {
		const before = ca.nowMs;
		ca.nowMs = Date.UTC(2029, 6, 31, 11, 55);
		const response = await request('ended@example.com');
		ca.nowMs = before;
		expect(response.statusCode).toBe(500);
		expect(response.json()).toMatchObject({ code: 13, details: [{ reason: 'chain-not-valid-now' }] });
		expect(await rowsOf('ended@example.com')).toEqual([]);
	});
});
