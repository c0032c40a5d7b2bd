import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderReader, urlReader } from './object-readers.ts';

async function withServer<T>(listener: RequestListener, use: (url: string) => Promise<T>): Promise<T> {
	const server = createServer(listener);
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	try {
		return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
	} finally {
		server.closeAllConnections();
		server.close();
	}
}

describe('a URL', () => {
	it('is asked below its path, and says what is not there', async () => {
		const asked: string[] = [];
		const listener: RequestListener = ({ url }, response) => {
			asked.push(url ?? '');
			response.writeHead(url === '/log/checkpoint' ? 200 : 404).end('bytes');
		};
		await withServer(listener, async (url) => {
			const read = urlReader(`${url}/log/`, fetch);
			expect(Buffer.from((await read('checkpoint'))!).toString()).toBe('bytes');
			expect(await read('tile/0/000')).toBeUndefined();
		});
		expect(asked).toEqual(['/log/checkpoint', '/log/tile/0/000']);
	});

	it('is asked again when it is busy or drops the connection', async () => {
		let requests = 0;
		const listener: RequestListener = (request, response) => {
			requests += 1;
			if (requests === 1) response.writeHead(503).end();
			else if (requests === 2) request.socket.destroy();
			else response.end('at last');
		};
		await withServer(listener, async (url) => {
			expect(Buffer.from((await urlReader(url, fetch)('checkpoint'))!).toString()).toBe('at last');
		});
	});

	it.each([
		[
			'refuses',
			(_: unknown, response: Parameters<RequestListener>[1]) => void response.writeHead(403).end(),
			/answered 403/,
		],
		[
			'leads elsewhere',
			(_: unknown, response: Parameters<RequestListener>[1]) =>
				void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
			/gave no answer/,
		],
	])('that %s is an error and not a missing resource', async (_what, listener, message) => {
		await withServer(listener, (url) =>
			expect(urlReader(url, fetch)('checkpoint')).rejects.toThrow(
				expect.objectContaining({ code: 'log-unreadable', message: expect.stringMatching(message) }),
			),
		);
	});

	it('that sends without end is left', async () => {
		const endless: RequestListener = (request, response) => {
			const chunk = Buffer.alloc(1024 * 1024);
			const push = () => {
				while (!request.socket.destroyed && response.write(chunk));
				response.once('drain', push);
			};
			push();
		};
		await withServer(endless, (url) =>
			expect(urlReader(url, fetch)('checkpoint')).rejects.toThrow(/longer than 67108864/),
		);
	});
});

it('a folder answers its files, and errors for what it cannot read', async () => {
	const folder = mkdtempSync(join(tmpdir(), 'chancery-audit-'));
	try {
		mkdirSync(join(folder, 'tile'));
		writeFileSync(join(folder, 'checkpoint'), 'bytes');
		symlinkSync('loop', join(folder, 'loop'));
		const read = folderReader(folder);
		expect(Buffer.from((await read('checkpoint'))!).toString()).toBe('bytes');
		expect(await read('tile/0/000')).toBeUndefined();
		expect(await read('checkpoint/0')).toBeUndefined();
		await expect(read('loop')).rejects.toThrow(/cannot be read \(ELOOP\)/);
	} finally {
		rmSync(folder, { recursive: true });
	}
});
