/** How authorities become accepted, and what the log says about itself. */
import { X509Certificate } from 'node:crypto';
import { openTrustReport, signTrustReport } from '@chancery/chassis/trust-report';
import { parsePem } from '@chancery/core/pem';
import { generateSigner } from '@chancery/keys/file/generate';
import { extension } from '@chancery/testkit/certificate';
import { OpensslFolder } from '@chancery/testkit/openssl-folder';
import type { AddChainReply } from '@chancery/wire/ct';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configSchema } from '../src/config.ts';
import {
	base64,
	CODE_SIGNING,
	certificate,
	leafPlan,
	makeAuthority,
	makePrecertificate,
	sha256,
	type TestAuthority,
} from './certificates.ts';
import { checkDigitallySigned, leafBytes } from './rfc6962.ts';
import { ADMIN_TOKEN, get, type RunningLog, register, reportOf, startLog, submit } from './running-log.ts';

let log: RunningLog;
let authority: TestAuthority;
/** Added to the clock of the log: roots in the table are looked for again after a second. */
let laterMs = 0;
beforeAll(async () => {
	log = await startLog({ config: { maxBytesPerReply: 65_536 }, clock: () => Date.now() + laterMs });
	authority = await makeAuthority('ours');
});
afterAll(() => log.end());

const trust = (token?: string) =>
	log.admin.inject({ url: '/admin/v1/trust', headers: token ? { authorization: `Bearer ${token}` } : {} });

describe('POST /admin/v1/roots', () => {
	it('accepts the root of a signed report once, and serves it', async () => {
		const { der } = await makePrecertificate(authority);
		expect((await submit(log, 'add-pre-chain', [der, authority.issuing])).statusCode).toBe(400);
		const report = await reportOf(authority);
		const first = await register(log, report);
		expect(first.statusCode).toBe(201);
		const fingerprint = sha256(authority.root).toString('hex');
		expect(first.json()).toEqual({ sha256: fingerprint, added: true, reinstated: false });
		const second = await register(log, await reportOf(authority));
		expect([second.statusCode, second.json()]).toEqual([200, { sha256: fingerprint, added: false, reinstated: false }]);
		expect((await get(log, 'get-roots')).json()).toEqual({ certificates: [base64(authority.root)] });
		// At once, though a moment ago the same chain was refused.
		expect((await submit(log, 'add-pre-chain', [der, authority.issuing])).statusCode).toBe(200);
	});

	it('needs a token', async () => {
		const report = await reportOf(await makeAuthority('x'));
		expect((await register(log, report, 'wrong')).statusCode).toBe(401);
	});

	it('is not on the public listener', async () => {
		const payload = await reportOf(authority);
		expect((await log.app.inject({ method: 'POST', url: '/admin/v1/roots', payload })).statusCode).toBe(404);
	});

	it('refuses a report that is signed by another key than the issuing one', async () => {
		const other = await makeAuthority('theirs');
		const stolen = await reportOf({ ...other, issuingSigner: authority.issuingSigner });
		const response = await register(log, stolen);
		expect(response.statusCode).toBe(422);
		expect(response.json().reason).toBe('invalid-trust-report');
	});

	it('refuses a report whose signature was changed', async () => {
		const report = await reportOf(await makeAuthority('x'));
		const signature = base64(Buffer.from(report.signature, 'base64').fill(1, 10, 12));
		expect((await register(log, { ...report, signature })).statusCode).toBe(422);
	});

	it('refuses chains that do not lead to a root, or through no authority', async () => {
		const made = await makeAuthority('made');
		const leaf = await certificate({ ...leafPlan(made, [CODE_SIGNING]), publicKey: made.issuingSigner.publicKey });
		const cases = [
			{ chain: [made.issuing], code: 'untrusted-chain' },
			{ chain: [made.issuing, authority.root], code: 'untrusted-chain' },
			{ chain: [leaf, made.issuing, made.root], code: 'invalid-root' },
		];
		for (const { chain, code } of cases) {
			const response = await register(log, await reportOf(made, chain));
			expect([response.statusCode >= 400, response.json().reason]).toEqual([true, code]);
		}
		expect((await get(log, 'get-roots')).json().certificates).toHaveLength(1);
	});

	it('refuses reports of other services', async () => {
		const signer = generateSigner('ecdsa-sha2-256-nistp256');
		const report = await signTrustReport(
			{
				service: 'identity',
				issuedAtMs: Date.now(),
				material: { kind: 'identity', issuer: 'https://issuer.example.com' },
			},
			signer,
		);
		const response = await register(log, report);
		expect([response.statusCode, response.json().reason]).toEqual([422, 'invalid-root']);
	});

	it('keeps the report beside the root', async () => {
		const [row] = await log.database.database.query<{ report: string; registered_by: string }>(
			'select report, registered_by from ctlog.accepted_roots',
		);
		expect(openTrustReport(JSON.parse(row!.report)).material.kind).toBe('certificate-authority');
		expect(row!.registered_by).toBe('a test');
	});

	it('sees a root that another process registered', async () => {
		const later = await makeAuthority('later');
		const { der } = await makePrecertificate(later);
		expect((await submit(log, 'add-pre-chain', [der, later.issuing])).statusCode).toBe(400);
		await log.database.database.query(
			`insert into ctlog.accepted_roots (sha256, certificate, report, registered_by, registered_at) values ($1, $2, '{}', 'x', now())`,
			[sha256(later.root), later.root],
		);
		laterMs += 1_000;
		expect((await submit(log, 'add-pre-chain', [der, later.issuing])).statusCode).toBe(200);
	});
});

describe('a chain made by openssl', () => {
	it('is logged with the TBSCertificate that openssl itself writes without the poison', async () => {
		using folder = new OpensslFolder();
		const pem = (file: string) => new Uint8Array(parsePem(folder.readText(file))[0]!.der);
		folder.run(
			'req',
			'-x509',
			'-newkey',
			'ec',
			'-pkeyopt',
			'ec_paramgen_curve:P-384',
			'-nodes',
			'-keyout',
			'root.key',
			'-out',
			'root.pem',
			'-subj',
			'/O=OpenSSL root',
			'-days',
			'10',
		);
		folder.run(
			'req',
			'-new',
			'-newkey',
			'ec',
			'-pkeyopt',
			'ec_paramgen_curve:P-256',
			'-nodes',
			'-keyout',
			'leaf.key',
			'-out',
			'leaf.csr',
			'-subj',
			'/CN=leaf',
		);
		const issue = (ext: string, out: string) => {
			folder.write('ext.cnf', ext);
			folder.run(
				'x509',
				'-req',
				'-in',
				'leaf.csr',
				'-CA',
				'root.pem',
				'-CAkey',
				'root.key',
				'-set_serial',
				'0x1234',
				'-days',
				'5',
				'-extfile',
				'ext.cnf',
				'-out',
				out,
			);
		};
		const plain = 'extendedKeyUsage=codeSigning\nsubjectAltName=email:a@example.com\n';
		// The dates stand in the TBSCertificate: again, when the two were not made within one second.
		do {
			issue(`${plain}1.3.6.1.4.1.11129.2.4.3=critical,DER:05:00\n`, 'pre.pem');
			issue(plain, 'final.pem');
		} while (new X509Certificate(pem('pre.pem')).validFrom !== new X509Certificate(pem('final.pem')).validFrom);
		folder.run('pkey', '-in', 'root.key', '-pubout', '-outform', 'DER', '-out', 'root.spki');
		await log.database.database.query(
			`insert into ctlog.accepted_roots (sha256, certificate, report, registered_by, registered_at) values ($1, $2, '{}', 'x', now())`,
			[sha256(pem('root.pem')), pem('root.pem')],
		);
		laterMs += 1_000;
		const response = await submit(log, 'add-pre-chain', [pem('pre.pem')]);
		expect(response.body).toContain('sct_version');
		const sct = response.json<AddChainReply>();
		const final = pem('final.pem');
		const headerLength = final[1] === 0x82 ? 4 : 3;
		const tbsLength = 4 + final[headerLength + 2]! * 256 + final[headerLength + 3]!;
		const tbs = final.subarray(headerLength, headerLength + tbsLength);
		const spki = folder.read('root.spki');
		const leaf = leafBytes(sct.timestamp, { issuerPublicKey: spki, tbs });
		expect(checkDigitallySigned(log.signer.publicKey, leaf, sct.signature)).toBe(true);
	});
});

describe('get-entries of large entries', () => {
	it('stops at the bytes of one answer, and always carries one entry', async () => {
		const start = (await get(log, 'get-sth')).json().tree_size;
		for (let i = 0; i < 3; i++) {
			const large = extension('1.2.3.4', new Uint8Array(40_000));
			const response = await submit(log, 'add-chain', [
				await certificate(leafPlan(authority, [large])),
				authority.issuing,
			]);
			expect(response.statusCode).toBe(200);
		}
		const huge = extension('1.2.3.4', new Uint8Array(80_000));
		await submit(log, 'add-chain', [await certificate(leafPlan(authority, [huge])), authority.issuing]);
		const count = async (from: number) =>
			(await get(log, 'get-entries', { start: from, end: start + 3 })).json().entries.length;
		expect([await count(start), await count(start + 2), await count(start + 3)]).toEqual([1, 1, 1]);
	});
});

describe('what the log says about itself', () => {
	it('reports URL, key and id, signed with its key', async () => {
		expect((await trust()).statusCode).toBe(401);
		const report = openTrustReport((await trust(ADMIN_TOKEN)).json());
		expect(report.material).toMatchObject({
			kind: 'ctlog',
			baseUrl: 'http://ct.example.com/2026',
			publicKey: base64(log.signer.publicKey),
			keyDetails: 'PKIX_ECDSA_P256_SHA_256',
			logId: base64(sha256(log.signer.publicKey)),
		});
	});

	it('keeps the start of the log over restarts', async () => {
		const startOf = async () => {
			const { material } = openTrustReport((await trust(ADMIN_TOKEN)).json());
			return material.kind === 'ctlog' ? material.validForStart : undefined;
		};
		const first = await startOf();
		log = await log.restart();
		expect(await startOf()).toBe(first);
	});

	it('describes itself as log lists do', async () => {
		const response = await log.app.inject({ url: '/log.v3.json' });
		expect(response.json()).toEqual({
			description: '',
			log_id: base64(sha256(log.signer.publicKey)),
			key: base64(log.signer.publicKey),
			url: 'http://ct.example.com/2026/',
			mmd: 86_400,
		});
	});

	it('is ready', async () => {
		const response = await log.admin.inject({ url: '/readyz', headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
		expect(response.json()).toMatchObject({ ready: true, checks: { log: { ok: true }, head: { ok: true } } });
	});
});

describe('starting', () => {
	it('refuses a key that clients cannot verify', async () => {
		await expect(startLog({ signer: generateSigner('ed25519') })).rejects.toThrow(/must be ecdsa-sha2-256-nistp256/);
	});

	it('describes every field of the configuration', () => {
		for (const [name, field] of Object.entries(configSchema().shape))
			expect(field.description?.length ?? 0, name).toBeGreaterThan(20);
	});
});
