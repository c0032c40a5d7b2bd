/** Requests as the services read them and replies as clients read them, through the routes of each wire. */
import { parseJsonBody } from '@chancery/chassis/http/json-body';
import { CallError, type CallInput, call } from '@chancery/net/call';
import * as ct from '@chancery/wire/ct';
import * as fulcio from '@chancery/wire/fulcio';
import * as identity from '@chancery/wire/identity';
import * as rekorV1 from '@chancery/wire/rekor-v1';
import * as rekorV2 from '@chancery/wire/rekor-v2';
import type { Route } from '@chancery/wire/route';
import { trustReport, trustReportPayload } from '@chancery/wire/trust-report';
import * as tuf from '@chancery/wire/tuf';
import {
	anyOf,
	domainError,
	type ParserUnderTest,
	parser,
	reread,
	type Schema,
	sameText,
	zodError,
} from './parser-under-test.ts';
import { seed, seedJson, seedsLike, seedText } from './seeds.ts';

const CSR_REQUEST = JSON.stringify({
	credentials: { oidcIdentityToken: 'x' },
	certificateSigningRequest: Buffer.from(seedText('csr')).toString('base64'),
});
const LEGACY_REQUEST = JSON.stringify({
	publicKey: { content: 'AAAA', algorithm: 'ecdsa' },
	signedEmailAddress: 'AAAA',
});
const [entryId = ''] = Object.keys(seedJson<object>('v1 /api/v1/log/entries 2 reply'));
const [chainEntry] = seedJson<{ entries: { extra_data: string }[] }>('ct entries').entries;
const CHAIN_REQUEST = JSON.stringify({ chain: [chainEntry?.extra_data ?? '', 'AAAA'] });
const sct = { sct_version: 0, id: 'AAAA', timestamp: 1, extensions: '', signature: 'BAMAAA==' };
const SEARCH = JSON.stringify({ entryUUIDs: [entryId], logIndexes: [1], entries: null });
const INDEX_SEARCH = JSON.stringify({
	email: 'a@example.com',
	hash: `sha256:${'0'.repeat(64)}`,
	operator: 'and',
	publicKey: null,
});
const SIGNED = JSON.stringify({ root: seedJson('root.json') });
const TARGETS = JSON.stringify({ targets: seedJson('targets.json'), files: [{ name: 'a', content: 'AAAA' }] });
const DEVELOPMENT = JSON.stringify({
	email: 'a@example.com',
	claims: { job_workflow_ref: 'x', a: { b: [1] } },
	audience: 'sigstore',
});

export const WIRE_PARSERS: readonly ParserUnderTest[] = [
	request('Fulcio v2 request', fulcio.createSigningCertificate, [seed('/api/v2/signingCert request'), CSR_REQUEST]),
	request('Fulcio v1 request', fulcio.createLegacySigningCertificate, [LEGACY_REQUEST]),
	request('Rekor v1 entry request', rekorV1.createLogEntry, seedsLike(/^v1 .*\d request$/)),
	request('Rekor v1 retrieval', rekorV1.searchLog, [SEARCH]),
	request('Rekor v1 index search', rekorV1.searchIndex, [INDEX_SEARCH]),
	request('Rekor v2 request', rekorV2.createEntry, seedsLike(/^v2 .*\d request$/)),
	request('CT chain', ct.addChain, [CHAIN_REQUEST]),
	request('CT root registration', ct.registerRoot, [seed('trust report')]),
	request('CT root retirement', ct.retireRoot, ['{"reason":"its key was stolen"}']),
	request('TUF root publication', tuf.publishRoot, [SIGNED]),
	request('TUF targets publication', tuf.publishTargets, [TARGETS]),
	request('development token request', identity.mintDevelopmentToken, [DEVELOPMENT]),
	reply('Fulcio certificate reply', fulcio.createSigningCertificate, [seed('/api/v2/signingCert reply')]),
	reply('Fulcio trust bundle', fulcio.getTrustBundle, [seed('trust bundle')]),
	reply('Fulcio configuration', fulcio.getConfiguration, [seed('configuration')]),
	reply(
		'Rekor v1 entry reply',
		{ ...rekorV1.createLogEntry, replies: { 200: rekorV1.logEntry } },
		seedsLike(/^v1 .*\d reply$/),
	),
	reply('Rekor v1 log info', rekorV1.getLogInfo, [seed('v1 log')]),
	reply('Rekor v1 consistency proof', rekorV1.getLogProof, [seed('v1 proof')]),
	reply(
		'Rekor v2 entry reply',
		{ ...rekorV2.createEntry, replies: { 200: rekorV2.createEntry.replies[201] } },
		seedsLike(/^v2 .*\d reply$/),
	),
	reply('CT timestamp reply', ct.addChain, [JSON.stringify(sct)]),
	reply('CT tree head', ct.getSth, [seed('ct sth')]),
	reply('CT entries', ct.getEntries, [seed('ct entries')]),
	reply('CT entry and proof', ct.getEntryAndProof, [seed('ct entry and proof')]),
	reply('CT roots', ct.getRoots, [seed('ct roots')]),
	reply('CT log description', ct.getLogDescription, [seed('ct description')]),
	reply('discovery document', identity.getDiscovery, [seed('discovery')]),
	reply('key set', identity.getCiKeys, [seed('jwks')]),
	parser({
		name: 'trust report and its payload',
		seeds: [seed('trust report')],
		refusals: anyOf(domainError('invalid-json'), zodError),
		parse: (input) =>
			trustReportPayload.parse(parseJsonBody(Buffer.from(trustReport.parse(parseJsonBody(input)).payload, 'base64'))),
		check: (payload) => sameText(JSON.stringify(trustReportPayload.parse(payload)), JSON.stringify(payload)),
	}),
	parser({
		name: 'words of a refusal',
		seeds: ['{"code":3,"message":"no such entry"}', '{"detail":"gone"}', 'plain words\n', '<html>'],
		share: 0.3,
		refusals: () => false,
		parse: (input) =>
			call(ct.getSth, 'https://log.example', {}, { fetch: answering(418, input) }).catch((error: unknown) => error),
		check: (error) => {
			if (!(error instanceof CallError) || error.status !== 418) return `not a refusal but ${String(error)}`;
			return /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{0,500}$/u.test(error.serverMessage)
				? undefined
				: 'its words would steer a terminal';
		},
	}),
];

/** As `mount` reads it: the body as JSON, the JSON by the schema; whatever else is thrown would be a 500. */
function request(name: string, { body }: Route, seeds: readonly (Uint8Array | string)[]): ParserUnderTest {
	const schema = body as Schema;
	return parser({
		name,
		seeds,
		refusals: anyOf(domainError('invalid-json'), zodError),
		parse: (input) => schema.parse(parseJsonBody(input)),
		check: (value) => reread(schema, value),
	});
}

/** As `call` reads it; its one error is CallError. */
function reply(name: string, route: Route, seeds: readonly (Uint8Array | string)[]): ParserUnderTest {
	const schema = route.replies[200] as Schema;
	const plain = {
		...route,
		path: '/',
		params: undefined,
		query: undefined,
		body: undefined,
	} as unknown as typeof ct.getSth;
	return parser({
		name,
		seeds,
		share: 0.3,
		refusals: (error) => error instanceof CallError && isOrdinary(error.cause),
		parse: (input) =>
			call(plain, 'https://service.example', {} as CallInput<typeof plain>, { fetch: answering(200, input) }),
		check: ({ body }) => reread(schema, body),
	});
}

/** What a reply can be wrong in: JSON, UTF-8, schema. A TypeError of our own would hide in a CallError. */
function isOrdinary(cause: unknown): boolean {
	if (cause instanceof SyntaxError || zodError(cause)) return true;
	return cause instanceof TypeError && (cause as { code?: string }).code === 'ERR_ENCODING_INVALID_ENCODED_DATA';
}

function answering(status: number, input: Uint8Array): typeof fetch {
	return async () => new Response(new Uint8Array(input), { status });
}
