/**
 * `GET /status` of every public listener: what the service is and where it stands, for people, pages and monitoring that
 * have no token. Only what the service shows elsewhere in public anyway, in one small answer; no address within the instance,
 * no word about why a service is not ready. Not part of any upstream wire.
 */
import { z } from 'zod';
import { route } from './route.ts';

const MAX_CHAIN = 10;

const ready = z.boolean().describe('Whether the service would take its work now; the reason is for its operators.');
const time = z.iso.datetime();
const count = z.int().nonnegative();
const sha256 = z.base64().length(44);

/** A certificate of the chain that a service signs under. */
const certificate = z.strictObject({
	subject: z.string().max(1024),
	notBefore: time,
	notAfter: time,
});
const chain = z.array(certificate).max(MAX_CHAIN).describe('Its own certificate first, the root last.');

/** The newest tree head that anybody may see; null before the first one. */
const head = z
	.strictObject({
		treeSize: count,
		publishedAt: time,
		ageSeconds: count.describe('How old it was when this was written.'),
	})
	.nullable();

const logFields = {
	ready,
	origin: z.string().max(1024).describe('Name of the log in its checkpoints.'),
	logId: sha256.describe('Base64, as entries and SCTs name the log.'),
	mode: z.enum(['development', 'production']).describe('What the log was made for; it stays.'),
	head,
};

export const signatureLogStatus = z.strictObject({
	service: z.literal('log'),
	apiVersion: z.union([z.literal(1), z.literal(2)]),
	...logFields,
});
export type SignatureLogStatus = z.output<typeof signatureLogStatus>;

export const ctLogStatus = z.strictObject({
	service: z.literal('ctlog'),
	...logFields,
	maximumMergeDelaySeconds: count,
});
export type CtLogStatus = z.output<typeof ctLogStatus>;

export const caStatus = z.strictObject({
	service: z.literal('ca'),
	ready,
	chain,
	ctLogId: sha256.describe('The log that every certificate is in.'),
	issuers: z
		.array(z.strictObject({ issuer: z.string().max(2048), available: z.boolean() }))
		.describe('Whose tokens are accepted, and whether their keys are known.'),
});
export type CaStatus = z.output<typeof caStatus>;

export const tsaStatus = z.strictObject({ service: z.literal('tsa'), ready, chain });
export type TsaStatus = z.output<typeof tsaStatus>;

const role = z
	.strictObject({ version: z.int().positive(), expires: time })
	.nullable()
	.describe('The newest version; null before the first one.');

export const tufStatus = z.strictObject({
	service: z.literal('tuf'),
	ready,
	roles: z.strictObject({ root: role, targets: role, snapshot: role, timestamp: role }),
});
export type TufStatus = z.output<typeof tufStatus>;

export const identityStatus = z.strictObject({
	service: z.literal('identity'),
	ready,
	issuer: z.string().max(2048),
	loginMethods: z.array(z.string().max(100)),
});
export type IdentityStatus = z.output<typeof identityStatus>;

const summary = 'What the service is and where it stands, in one small answer that may be cached for seconds.';

export const getSignatureLogStatus = route({
	method: 'GET',
	path: '/status',
	summary,
	replies: { 200: signatureLogStatus },
});
export const getCtLogStatus = route({ method: 'GET', path: '/status', summary, replies: { 200: ctLogStatus } });
export const getCaStatus = route({ method: 'GET', path: '/status', summary, replies: { 200: caStatus } });
export const getTsaStatus = route({ method: 'GET', path: '/status', summary, replies: { 200: tsaStatus } });
export const getTufStatus = route({ method: 'GET', path: '/status', summary, replies: { 200: tufStatus } });
export const getIdentityStatus = route({ method: 'GET', path: '/status', summary, replies: { 200: identityStatus } });

const serviceStatus = z.union([signatureLogStatus, ctLogStatus, caStatus, tsaStatus, tufStatus, identityStatus]);
export type ServiceStatus = z.output<typeof serviceStatus>;

/** For whoever asks any service, and hears from it which one it is. */
export const getStatus = route({ method: 'GET', path: '/status', summary, replies: { 200: serviceStatus } });
