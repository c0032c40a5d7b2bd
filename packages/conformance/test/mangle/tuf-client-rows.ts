/** A TUF client before a mirror that serves one mangled file among good ones. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClientError } from '@chancery/client/client-error';
import { fetchTrust } from '@chancery/client/tuf-client';
import { utf8 } from '@chancery/core/bytes';
import { complaint, type ParserUnderTest, parser, sameBytes } from './parser-under-test.ts';
import { NEXT_ROOT, TARGETS, TUF_FILES } from './tuf-repository.ts';

/** Whole updates over HTTP, hundreds of times as costly as a parser. */
const SHARE = 0.005;

let served: ReadonlyMap<string, Uint8Array> = TUF_FILES;
let address: Promise<string> | undefined;

export const TUF_CLIENT_ROWS: readonly ParserUnderTest[] = [
	...[...TUF_FILES.keys()]
		.filter((path) => path !== '/1.root.json')
		.map((path) => row(`TUF client, ${path.replace(/[0-9a-f]{64}\./, '')}`, path, TUF_FILES.get(path) ?? NEXT_ROOT)),
	row('TUF client, /2.root.json', '/2.root.json', NEXT_ROOT),
];

function row(name: string, path: string, content: Uint8Array): ParserUnderTest {
	return parser({
		name,
		seeds: [content],
		share: SHARE,
		refusals: (error) => error instanceof ClientError && error.code === 'trust-unavailable',
		parse: (input) => updated(new Map(TUF_FILES).set(path, input)),
		// White space around metadata may change; what the targets say may not.
		check: (files) =>
			complaint(
				...Object.entries(TARGETS).map(([target, text]) =>
					sameBytes(files.get(target) ?? new Uint8Array(), utf8(text)),
				),
			),
	});
}

/** The targets that a fresh client ends up with. */
async function updated(files: ReadonlyMap<string, Uint8Array>): Promise<Map<string, Uint8Array>> {
	address ??= listen();
	const mirror = await address;
	const cacheDir = mkdtempSync(join(tmpdir(), 'chancery-tuf-'));
	served = files;
	try {
		const initialRoot = TUF_FILES.get('/1.root.json') ?? NEXT_ROOT;
		const { trustedRootPath, signingConfigPath } = await fetchTrust({ mirror, cacheDir, initialRoot });
		return new Map([
			['trusted_root.json', new Uint8Array(readFileSync(trustedRootPath))],
			['signing_config.v0.2.json', new Uint8Array(readFileSync(signingConfigPath))],
		]);
	} finally {
		rmSync(cacheDir, { recursive: true, force: true });
	}
}

/** The server lives as long as the process and does not keep it. */
function listen(): Promise<string> {
	return new Promise((resolve) => {
		const server = createServer((request, response) => {
			const content = served.get(request.url ?? '');
			response.writeHead(content ? 200 : 404).end(content);
		});
		server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
		server.unref();
	});
}
