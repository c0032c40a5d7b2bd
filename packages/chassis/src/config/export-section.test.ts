import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseSection } from './config.ts';
import { exportSection } from './export-section.ts';

const env = { KEY: 'AKIA', SECRET: 'hush' };
const schema = z.strictObject({ export: exportSection(env) });
const parse = (value: unknown) => parseSection('log', schema, { export: value }).export;
const s3 = {
	kind: 's3',
	endpoint: 'https://s3.example',
	bucket: 'tiles',
	accessKeyId: { env: 'KEY' },
	secretAccessKey: { env: 'SECRET' },
};

it('is absent by default', () => {
	expect(parseSection('log', schema, {}).export).toBeUndefined();
});

it('takes a folder, and a bucket whose secrets do not print themselves', () => {
	expect(parse({ kind: 'folder', path: '/srv/tiles' })).toEqual({
		kind: 'folder',
		path: '/srv/tiles',
		intervalSeconds: 5,
	});
	const bucket = parse(s3);
	if (bucket?.kind !== 's3') throw new Error('no bucket');
	expect(bucket).toMatchObject({ prefix: '', region: 'us-east-1' });
	expect([bucket.accessKeyId.reveal(), bucket.secretAccessKey.reveal()]).toEqual(['AKIA', 'hush']);
	expect(inspect(bucket) + JSON.stringify(bucket)).not.toMatch(/AKIA|hush/);
});

describe('refuses', () => {
	it.each([
		['another kind', { kind: 'ftp' }, /log\.export\.kind/],
		['an unknown key, naming the nearest', { kind: 'folder', pth: '/srv' }, /did you mean 'path'/],
		['a secret by value', { ...s3, secretAccessKey: 'hush' }, /secretAccessKey/],
		['a secret that is not there', { ...s3, secretAccessKey: { env: 'NONE' } }, /NONE is not set/],
		['a prefix that leaves the bucket', { ...s3, prefix: '/a/' }, /with none at either end/],
		['an endpoint of another scheme', { ...s3, endpoint: 'file:///etc' }, /log\.export\.endpoint/],
		['no pause', { kind: 'folder', path: '/srv', intervalSeconds: 0 }, /intervalSeconds/],
	])('%s', (_what, value, message) => {
		expect(() => parse(value)).toThrow(message);
	});
});
