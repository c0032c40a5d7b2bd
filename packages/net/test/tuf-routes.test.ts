import { getMetadataFile, getTargetFile, proposeTargets, publishRoot, publishTargets } from '@chancery/wire/tuf';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CallError, call } from '../src/call.ts';
import { answering, type LoopbackServer, startLoopbackServer } from './loopback-server.ts';

let server: LoopbackServer;
beforeAll(async () => {
	server = await startLoopbackServer();
});
beforeEach(() => {
	server.received.length = 0;
});
afterAll(() => server.close());

const METADATA = { signatures: [{ keyid: 'a', sig: 'b' }], signed: { _type: 'root', more: [1] } };

describe('the TUF wire', () => {
	it('asks for files by their names, as bytes', async () => {
		server.answer = answering(200, Uint8Array.of(1, 2));
		const file = await call(getMetadataFile, server.url, { params: { file: '1.root.json' } }, { fetch });
		expect(file.body).toEqual(Uint8Array.of(1, 2));
		await call(getTargetFile, server.url, { params: { file: 'aa.trusted_root.json' } }, { fetch });
		expect(server.received.map(({ url }) => url)).toEqual(['/1.root.json', '/targets/aa.trusted_root.json']);
	});

	it('reads a proposal with its files as bytes, and keeps every member of what will be signed', async () => {
		const files = [{ name: 'a', content: 'AQI=' }];
		const targets = { _type: 'targets', later: { kept: true } };
		server.answer = answering(200, JSON.stringify({ isChange: true, targets, files }));
		const { body } = await call(proposeTargets, server.url, { body: {} }, { fetch });
		expect(body).toEqual({ isChange: true, targets, files: [{ name: 'a', content: Uint8Array.of(1, 2) }] });
	});

	it('sends signed metadata as it was signed', async () => {
		server.answer = answering(201, '{"version":1}');
		await call(publishRoot, server.url, { body: { root: METADATA } }, { fetch });
		server.answer = answering(201, '{"version":1,"snapshotVersion":2,"timestampVersion":3}');
		const body = { targets: METADATA, files: [{ name: 'a', content: 'AQI=' }] };
		const reply = await call(publishTargets, server.url, { body }, { fetch });
		expect(reply.body).toEqual({ version: 1, snapshotVersion: 2, timestampVersion: 3 });
		const sent = server.received.map((request) => JSON.parse(Buffer.from(request.body).toString()));
		expect(sent).toEqual([{ root: METADATA }, body]);
	});

	it.each([
		['{"isChange":1,"targets":{},"files":[]}', proposeTargets],
		['{"isChange":true,"targets":{},"files":[{"name":"a","content":"%"}]}', proposeTargets],
		['{"isChange":true,"targets":[],"files":[]}', proposeTargets],
	])('does not read %s', async (text, route) => {
		server.answer = answering(200, text);
		await expect(call(route, server.url, { body: {} }, { fetch })).rejects.toThrow(CallError);
	});

	it.each([
		['no signatures', { root: { signed: {} } }],
		['another member', { root: METADATA, force: true }],
		['nothing', {}],
	])('takes no root with %s', (_what, body) => {
		expect(publishRoot.body.safeParse(body).success).toBe(false);
	});

	it('takes no more files than a repository has', () => {
		const files = Array.from({ length: 257 }, (_, i) => ({ name: String(i), content: '' }));
		expect(publishTargets.body.safeParse({ targets: METADATA, files }).success).toBe(false);
		expect(publishTargets.body.safeParse({ targets: METADATA, files: files.slice(1) }).success).toBe(true);
	});
});
