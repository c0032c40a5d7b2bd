/** rekor-cli against the v1 log: it checks SET, proof and checkpoint of whatever it gets. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Place, SIGNER } from './client.ts';
import { programOf } from './opened-clients.ts';
import { openOurCommand } from './our-command.ts';
import { openWorkplace } from './places.ts';
import { mustRun, runClient } from './run-client.ts';
import { tlsSettings } from './tls-settings.ts';

const program = programOf('rekor-cli');
const workplace = await openWorkplace();
const { folder, home, foreign } = workplace;
mkdirSync(join(folder, 'rekor'));
afterAll(() => workplace.remove());

const artifact = Buffer.from(`uploaded by rekor-cli ${folder}\n`);
const sha256 = createHash('sha256').update(artifact).digest('hex');
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const files = { artifact: join(folder, 'a.txt'), signature: join(folder, 'a.sig'), key: join(folder, 'a.pem') };
writeFileSync(files.artifact, artifact);
writeFileSync(files.signature, sign('sha256', artifact, privateKey));
writeFileSync(files.key, publicKey.export({ type: 'spki', format: 'pem' }));
const signedFile = [
	...['--artifact', files.artifact, '--signature', files.signature],
	...['--public-key', files.key, '--pki-format', 'x509'],
];

const argsAt = (url: string, args: readonly string[]) => [...args, '--rekor_server', url, '--format', 'json'];
async function rekor(...args: string[]): Promise<Record<string, unknown>> {
	const [at, env] = [join(folder, 'rekor'), tlsSettings('rekor-cli', home)];
	const { stdout } = await mustRun(program ?? '', argsAt(home.instance.urls.log, args), at, env);
	return JSON.parse(stdout) as Record<string, unknown>;
}
const refusal = async (place: Place, ...args: string[]) => {
	const env = tlsSettings('rekor-cli', place);
	const ran = await runClient(program ?? '', argsAt(place.instance.urls.log, args), join(folder, 'rekor'), env);
	expect(ran.code).not.toBe(0);
	return ran.said;
};

describe.runIf(program)('rekor-cli', () => {
	let entry: { readonly uuid: string; readonly index: number };
	beforeAll(async () => {
		const { Location, Index } = await rekor('upload', ...signedFile);
		entry = { uuid: String(Location).split('/').at(-1) ?? '', index: Number(Index) };
	});

	it('uploads a signature, and gets the same entry for the same signature', async () => {
		const { uuid } = entry;
		expect(uuid).toMatch(/^[0-9a-f]{80}$/);
		expect(String((await rekor('upload', ...signedFile)).Location)).toContain(uuid);
	});

	it('gets the entry by its id and by its index', async () => {
		const { uuid, index } = entry;
		const byId = await rekor('get', '--uuid', uuid);
		expect(byId).toMatchObject({ UUID: uuid, LogIndex: index });
		expect(JSON.stringify(byId)).toContain(sha256);
		expect(await rekor('get', '--log-index', String(index))).toMatchObject({ UUID: uuid });
	});

	it('verifies that it is in the log, by id, by index and by what was signed', async () => {
		const { uuid, index } = entry;
		for (const which of [['--uuid', uuid], ['--log-index', String(index)], signedFile]) {
			expect(await rekor('verify', ...which)).toMatchObject({ EntryUUID: uuid, Index: index });
		}
	});

	it.each([
		['--sha', sha256],
		['--sha', `sha256:${sha256}`],
		['--artifact', files.artifact],
	])('finds it with %s %s', async (option, value) => {
		expect((await rekor('search', option, value)).UUIDs).toEqual([entry.uuid]);
	});

	it('finds it by its key, and by key and hash together', async () => {
		const key = ['--public-key', files.key, '--pki-format', 'x509'];
		expect((await rekor('search', ...key)).UUIDs).toEqual([entry.uuid]);
		expect((await rekor('search', ...key, '--sha', sha256, '--operator', 'and')).UUIDs).toEqual([entry.uuid]);
	});

	it('finds what a certificate signed by the e-mail address in it', async () => {
		const bundle = join(folder, 'a.sigstore.json');
		const ours = await openOurCommand(join(folder, 'chancery'), [home]);
		await ours.sign({
			place: home,
			kind: 'blob',
			log: 1,
			artifact: files.artifact,
			bundle,
			predicate: '',
			statement: '',
		});
		const { verificationMaterial } = JSON.parse(readFileSync(bundle, 'utf8'));
		const { UUID } = await rekor('get', '--log-index', verificationMaterial.tlogEntries[0].logIndex);
		expect((await rekor('search', '--email', SIGNER)).UUIDs).toContain(UUID);
	});

	it('verifies the head of the log, and again after it has grown', async () => {
		const first = await rekor('loginfo');
		const { privateKey: other, publicKey: otherKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
		writeFileSync(join(folder, 'b.sig'), sign('sha256', artifact, other));
		writeFileSync(join(folder, 'b.pem'), otherKey.export({ type: 'spki', format: 'pem' }));
		const otherwise = ['--signature', join(folder, 'b.sig'), '--public-key', join(folder, 'b.pem')];
		await rekor('upload', '--artifact', files.artifact, '--pki-format', 'x509', ...otherwise);
		const second = await rekor('loginfo');
		expect(Number(second.ActiveTreeSize)).toBeGreaterThan(Number(first.ActiveTreeSize));
		const sizes = ['--first-size', String(first.ActiveTreeSize), '--last-size', String(second.ActiveTreeSize)];
		const proof = await rekor('logproof', ...sizes);
		expect(proof.Hashes).not.toHaveLength(0);
		const ofTree = await rekor('logproof', ...sizes, '--tree-id', String(second.TreeID));
		expect(ofTree.Hashes).toEqual(proof.Hashes);
	});

	it('finds no entry of another instance, and is told so', async () => {
		const { uuid } = entry;
		expect(await refusal(foreign, 'get', '--uuid', uuid)).toMatch(/404|NotFound/i);
		expect(await refusal(foreign, 'verify', ...signedFile)).toMatch(/cannot be located/);
	});

	it('is told why a signature by another key is refused', async () => {
		writeFileSync(join(folder, 'wrong.pem'), foreignKey());
		const wrong = ['--public-key', join(folder, 'wrong.pem'), '--pki-format', 'x509'];
		const args = ['upload', '--artifact', files.artifact, '--signature', files.signature, ...wrong];
		expect(await refusal(home, ...args)).toMatch(/signature/i);
	});
});

function foreignKey(): string | Buffer {
	return generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' });
}
