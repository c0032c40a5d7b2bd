import { describe, expect, it } from 'vitest';
import { getLogEntryByIndex, getLogProof, proposedEntry, searchIndexQuery, searchLogQuery } from './rekor-v1.ts';

const uuid = 'ab'.repeat(32);
const entry = { kind: 'hashedrekord', apiVersion: '0.0.1', spec: {} };

describe('requests of the v1 wire', () => {
	it.each([
		['an index in the query', getLogEntryByIndex.query, { logIndex: '7' }, { logIndex: 7 }],
		['an index by a caller of ours', getLogEntryByIndex.query, { logIndex: 7 }, { logIndex: 7 }],
		['sizes with the default', getLogProof.query, { lastSize: '9' }, { firstSize: 1, lastSize: 9 }],
		['null lists', searchLogQuery, { entryUUIDs: null, logIndexes: [0], entries: null }, { logIndexes: [0] }],
		['both forms of ids', searchLogQuery, { entryUUIDs: [uuid, `${'0'.repeat(15)}1${uuid}`] }, {}],
		['unknown members of a search', searchLogQuery, { logIndexes: [1], more: true }, { logIndexes: [1] }],
		['empty search terms', searchIndexQuery, { email: '', hash: '', subject: '', operator: '' }, {}],
		['a hash with prefix', searchIndexQuery, { hash: `sha256:${uuid}` }, { hash: `sha256:${uuid}` }],
		['a version with a suffix', proposedEntry, { ...entry, apiVersion: '1.2.3-rc.1+x' }, { kind: 'hashedrekord' }],
	] as const)('may hold %s', (_, schema, value, parsed) => {
		expect(schema.parse(value)).toMatchObject(parsed);
	});

	it.each([
		['an index that is no number', getLogEntryByIndex.query, { logIndex: '1e3' }],
		['an index beyond what a number holds', getLogEntryByIndex.query, { logIndex: '9007199254740993' }],
		['two indexes', getLogEntryByIndex.query, { logIndex: ['1', '2'] }],
		['a size of 0', getLogProof.query, { lastSize: '0' }],
		['an empty list', searchLogQuery, { entryUUIDs: [] }],
		['eleven ids', searchLogQuery, { entryUUIDs: Array(11).fill(uuid) }],
		['an id of another length', searchLogQuery, { entryUUIDs: [`${uuid}00`] }],
		['a proposal with more than its parts', searchLogQuery, { entries: [{ ...entry, x: 1 }] }],
		['a hash whose prefix is of another length', searchIndexQuery, { hash: `sha512:${uuid}` }],
		['a SHA-384 hash, which the wire cannot search', searchIndexQuery, { hash: 'a'.repeat(96) }],
		['an address that is none', searchIndexQuery, { email: 'a b@c' }],
		['an unknown operator', searchIndexQuery, { operator: 'xor' }],
		['a version that is none', proposedEntry, { ...entry, apiVersion: '01.0.0' }],
		['a spec that is a list', proposedEntry, { ...entry, spec: [] }],
	] as const)('are refused with %s', (_, schema, value) => {
		expect(schema.safeParse(value).success).toBe(false);
	});
});
