import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Secret } from '@chancery/chassis/config/secret';
import type { TrustReport } from '@chancery/chassis/trust-report';
import { signTrustReport } from '@chancery/chassis/trust-report';
import { toBase64 } from '@chancery/core/bytes';
import { generateSigner } from '@chancery/keys/file/generate';
import { parseSigningConfig } from '@chancery/wire/signing-config';
import { parseTrustedRoot } from '@chancery/wire/trusted-root';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { issue, makeChain } from '../../test/certificates.ts';
import { logMaterial, ReportingServices, type ServiceName } from '../../test/reporting-services.ts';
import { type Answer, DAY_MS, TestRepository } from '../../test/repository.ts';

let services: ReportingServices;
let repository: TestRepository;
let materials: ReportingServices['materials'];
let v1: ReportingServices['v1'];
beforeAll(async () => {
	services = await ReportingServices.start();
	materials = { ...services.materials };
	v1 = services.v1;
	repository = await TestRepository.open({ services: services.sources() });
});
afterAll(async () => {
	await repository.close();
	await services.close();
});
beforeEach(async () => {
	await repository.reset();
	await repository.publishRoot();
	services.clock = () => repository.nowMs;
	services.forge = (_name, report) => report;
	Object.assign(services.materials, materials);
	Object.assign(services, { v1 });
});

const propose = () => repository.post('/admin/v1/proposals', {});

function fileOf(answer: Answer, name: string): unknown {
	const file = answer.json.files.find((candidate: { name: string }) => candidate.name === name);
	return JSON.parse(Buffer.from(file.content, 'base64').toString());
}

/** Signs what was proposed and publishes it. */
async function publish(proposal: Answer): Promise<Answer> {
	const { targets, files } = proposal.json;
	const signed = await repository.makeTargets(targets.version, {}, { change: () => targets });
	return repository.post('/admin/v1/targets', { targets: signed, files });
}

describe('a proposal', () => {
	it('asks every service and says what it reports, in the words of each kind of client', async () => {
		services.asked.length = 0;
		const proposal = await propose();
		expect(proposal.status).toBe(200);
		expect([...services.asked].sort()).toEqual(['ca', 'ctlog', 'identity', 'tsa', 'v1', 'v2']);
		expect(proposal.json.isChange).toBe(true);
		const root = parseTrustedRoot(fileOf(proposal, 'trusted_root.json'));
		expect(root.tlogs.map(({ baseUrl }) => baseUrl)).toEqual(['http://rekor.test', 'http://log2.test:3000']);
		expect(root.certificateAuthorities[0]?.certChain.certificates[0]?.rawBytes).toEqual(services.ca.certificates[0]);
		expect(root.timestampAuthorities[0]?.uri).toBe('http://tsa.test/api/v1/timestamp');
		const config = parseSigningConfig(fileOf(proposal, 'signing_config.v0.2.json'));
		expect(config.oidcUrls.map(({ url }) => url)).toEqual(['http://id.test/auth']);
		expect(Object.keys(proposal.json.targets.targets).sort()).toEqual([
			'ctfe.pub',
			'fulcio_intermediate_v1.crt.pem',
			'fulcio_v1.crt.pem',
			'rekor.pub',
			'signing_config.v0.2.json',
			'trusted_root.json',
			'tsa_leaf.crt.pem',
			'tsa_root.crt.pem',
		]);
	});

	it('is published when it is signed, and then there is nothing to propose', async () => {
		expect((await publish(await propose())).status).toBe(201);
		const again = await propose();
		expect(again.json).toMatchObject({ isChange: false, targets: { version: 2 } });
	});

	it('changes when the targets are about to expire, and when a service reports another key', async () => {
		await publish(await propose());
		repository.nowMs += 274 * DAY_MS;
		expect((await propose()).json.isChange).toBe(false);
		repository.nowMs += 2 * DAY_MS;
		expect((await propose()).json.isChange).toBe(true);
		repository.nowMs -= 276 * DAY_MS;
		const signer = generateSigner('ecdsa-sha2-256-nistp256');
		Object.assign(services, { v1: signer });
		services.materials.v1 = logMaterial(signer, 'http://rekor.test');
		expect((await propose()).json.isChange).toBe(true);
	});

	it('keeps what was published when its service is gone: old signatures stay good', async () => {
		await publish(await propose());
		await repository.restart({ config: { ...repository.deps.config, services: services.sources('v1') } });
		const root = parseTrustedRoot(fileOf(await propose(), 'trusted_root.json'));
		expect(root.certificateAuthorities).toHaveLength(1);
		expect(root.tlogs).toHaveLength(2);
		await repository.restart();
	});

	it('without services is empty', async () => {
		await repository.restart({ config: { ...repository.deps.config, services: [] } });
		const proposal = await propose();
		expect(parseTrustedRoot(fileOf(proposal, 'trusted_root.json')).tlogs).toEqual([]);
		expect(fileOf(proposal, 'signing_config.v0.2.json')).not.toHaveProperty('tsaConfig');
		await repository.restart();
	});
});

/** Expects that the proposal is refused for the report of one service. */
async function expectRefused(words: RegExp, status = 502, reason = 'invalid-trust-report'): Promise<void> {
	const answer = await propose();
	expect(answer.status, JSON.stringify(answer.json)).toBe(status);
	expect(answer.json.type).toContain(reason);
	expect(answer.json.detail).toMatch(words);
}

describe('a report', () => {
	const forgeries: readonly (readonly [string, (report: TrustReport) => TrustReport, RegExp])[] = [
		['another signature', (report) => ({ ...report, signature: toBase64(new Uint8Array(64)) }), /does not match/],
		[
			'another payload',
			(report) => ({ ...report, payload: btoa(atob(report.payload).replace('.test', '.evil')) }),
			/does not match/,
		],
		['another key', (report) => ({ ...report, publicKey: toBase64(generateSigner('ed25519').publicKey) }), /not match/],
		['no key', (report) => ({ ...report, publicKey: 'AAAA' }), /does not match/],
	];
	it.each(forgeries)('with %s is refused', async (_what, forge, words) => {
		services.forge = (name, report) => (name === 'ctlog' ? forge(report) : report);
		await expectRefused(words);
	});

	it.each(['ca', 'tsa', 'v1', 'v2', 'ctlog'] as const)(
		'of %s signed with a key of its own is refused',
		async (which) => {
			const stranger = generateSigner('ed25519');
			const statement = { service: which, material: services.materials[which], issuedAtMs: repository.nowMs };
			const forged = await signTrustReport(statement, stranger);
			services.forge = (name, report) => (name === which ? forged : report);
			await expectRefused(/is signed with another key/);
		},
	);

	it.each([-11, 11, -60 * 24 * 365])('made %d minutes from now is refused', async (minutes) => {
		services.clock = () => repository.nowMs + minutes * 60_000;
		await expectRefused(/which is not now/);
	});

	it.each([-9, 9])('made %d minutes from now is taken: clocks differ', async (minutes) => {
		services.clock = () => repository.nowMs + minutes * 60_000;
		expect((await propose()).status).toBe(200);
	});

	it.each([
		['v1', { logId: toBase64(new Uint8Array(32)) }, /log id/],
		['v2', { logId: toBase64(new Uint8Array(4)) }, /log id/],
		['v2', { baseUrl: 'http://other.test' }, /log id/],
		['ctlog', { logId: 'AAAA' }, /log id/],
		['v1', { keyDetails: 'PKIX_ED25519' }, /is not PKIX_ED25519/],
		['ctlog', { keyDetails: 'PKIX_ECDSA_P384_SHA_384' }, /is not PKIX/],
	] satisfies [ServiceName, object, RegExp][])('of %s with %j is refused', async (name, changes, words) => {
		Object.assign(services.materials, { [name]: { ...materials[name], ...changes } });
		await expectRefused(words);
	});

	it.each([
		['ca', { uri: 'http://ca.tést' }],
		['tsa', { uri: 'http://tsa.test/é' }],
		['identity', { issuer: 'http://id.test/\u202e' }],
	] satisfies [ServiceName, object][])('of %s with %j is refused', async (name, changes) => {
		Object.assign(services.materials, { [name]: { ...materials[name], ...changes } });
		await expectRefused(/not ASCII|valid/);
	});

	it.each(['ca', 'tsa'] as const)('of %s with a chain that leads nowhere is refused', async (name) => {
		const { signer, certificates, rootSigner } = services[name];
		const [first] = certificates;
		const other = await makeChain();
		const noCa = await issue('root', 'root', rootSigner.publicKey, rootSigner, false);
		const renamed = await issue('boot', 'root', rootSigner.publicKey, rootSigner, true);
		expect(signer).toBeDefined();
		for (const rest of [[other.certificates[1]], [noCa], [renamed], [certificates[1], certificates[0]]]) {
			const certChain = [first, ...rest].map(toBase64);
			Object.assign(services.materials, { [name]: { ...materials[name], certChain } });
			await expectRefused(/is not issued by the one behind it/);
		}
		const garbage = { ...materials[name], certChain: [toBase64(first), 'AAAA'] };
		Object.assign(services.materials, { [name]: garbage });
		await expectRefused(/cannot be read/);
	});
});

describe('a service', () => {
	/** A proposal that asks only this address. */
	async function proposeFrom(trustReportUrl: string, bearer = 'a-token-of-some-length'): Promise<Answer> {
		await repository.restart({
			config: { ...repository.deps.config, services: [{ trustReportUrl, bearer: new Secret(bearer) }] },
		});
		const answer = await propose();
		await repository.restart();
		return answer;
	}

	it('is not asked with a certificate that cannot be used', async () => {
		const client = { certificateFile: '/nothing/client.pem', keyFile: '/nothing/client.key' };
		const [first] = repository.deps.config.services;
		await repository.restart({ config: { ...repository.deps.config, services: [{ ...first!, client }] } });
		const answer = await propose();
		await repository.restart();
		expect(answer.status).toBe(503);
		expect(answer.json.detail).toMatch(/was not asked: the TLS certificate file \/nothing\/client\.pem cannot be read/);
	});

	it('that is not there is named', async () => {
		const answer = await proposeFrom('http://127.0.0.1:1/admin/v1/trust');
		expect(answer.status).toBe(503);
		expect(answer.json.type).toContain('service-unreachable');
		expect(answer.json.detail).toContain('http://127.0.0.1:1/admin/v1/trust did not report its keys');
	});

	it('that does not know our token is named, the token is not', async () => {
		const answer = await proposeFrom(services.sources('ca')[0]!.trustReportUrl, 'not-the-token-at-all');
		expect(answer.status).toBe(503);
		expect(answer.json.detail).toContain('answered 401');
		expect(JSON.stringify(answer.json)).not.toContain('not-the-token-at-all');
	});

	it.each([
		['garbage', 200, 'no JSON', /failed/],
		['another shape', 200, '{"payload":1}', /breaks its schema/],
		['an error', 500, '{"detail":"broken"}', /answered 500: broken/],
		['a redirect', 302, '', /failed/],
		['too much', 200, ' '.repeat(300_000), /longer than/],
	])('that answers %s is named', async (_what, status, body, words) => {
		const server = createServer((_request, response) => {
			response.writeHead(status, { location: services.sources('ca')[0]!.trustReportUrl }).end(body);
		});
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		const answer = await proposeFrom(`http://127.0.0.1:${(server.address() as AddressInfo).port}/trust`);
		server.close();
		expect(answer.status).toBe(503);
		expect(answer.json.detail).toMatch(words);
	});
});
