/** Files that nobody means to give to a command, made in a folder: name -> path. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const CONTENTS: Readonly<Record<string, string | Uint8Array>> = {
	empty: '',
	space: ' \n',
	text: 'no JSON\n',
	binary: Uint8Array.from({ length: 4096 }, (_, i) => (i * 251) % 256),
	nul: '{"a":1}\0',
	utf16: Buffer.from('\ufeff{}', 'utf16le'),
	bom: '\ufeff{}',
	'half-json': '{"mediaType":"application/vnd.dev.sig',
	null: 'null',
	number: '7',
	string: '"bundle"',
	array: '[]',
	object: '{}',
	'unknown-member': '{"x":1,"y":{"z":[]}}',
	'unknown-media-type': '{"mediaType":"application/json"}',
	deep: `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
	'many-lines': '{\n"mediaType":\n7,\n"tlogs":\n[{},{},{},{},{}]}\n',
	escapes: '{"\\u001b[31m\\n":"\\u001b]0;x\\u0007"}',
	prototype: '{"__proto__":{"mediaType":"x"},"constructor":1}',
	page: '<!doctype html><title>502 Bad Gateway</title>',
	pem: '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n',
	'pem-cut': '-----BEGIN PUBLIC KEY-----\nMFkw',
	'private-key': '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
	'na\nme': '{',
	'\u001b[31mred': '{',
};

export interface OddFiles {
	/** What has content, and can be read. */
	readonly readable: Readonly<Record<string, string>>;
	/** What cannot be read, or not as a file. */
	readonly unreadable: Readonly<Record<string, string>>;
	/** Longer than any bound but that of artifacts. */
	readonly huge: string;
}

export function makeOddFiles(folder: string): OddFiles {
	const at = (name: string) => join(folder, name);
	for (const [name, content] of Object.entries(CONTENTS)) writeFileSync(at(name), content);
	mkdirSync(at('folder'));
	execFileSync('mkfifo', [at('pipe')]);
	symlinkSync('circle', at('circle'));
	symlinkSync('nowhere', at('dangling'));
	writeFileSync(at('huge'), '');
	truncateSync(at('huge'), 3 * 1024 ** 3);
	return {
		readable: Object.fromEntries(Object.keys(CONTENTS).map((name) => [name, at(name)])),
		unreadable: {
			missing: at('missing'),
			folder: at('folder'),
			pipe: at('pipe'),
			'a circle of links': at('circle'),
			'a link to nothing': at('dangling'),
			'a place below a file': at('text/x'),
			'a name that is too long': at('x'.repeat(300)),
			'what the kernel does not show': '/proc/self/mem',
			nothing: '',
		},
		huge: at('huge'),
	};
}
