/**
 * Issuer type `kubernetes`: a service account of a cluster, by the token that is projected into its pods. Several clusters
 * have the same names in them: only the issuer in the certificate tells them apart.
 */
import { quote } from '@chancery/chassis/tokens/token-errors';
import { z } from 'zod';
import { refuse } from '../domain/refusal.ts';
import { issuerSettingsShape, issuerType } from './issuer-type.ts';

const configSchema = z.strictObject({
	type: z.literal('kubernetes').describe('Issuer type of this entry; decides which other fields it has.'),
	...issuerSettingsShape,
});

/** RFC 1123, as Kubernetes asks of a namespace: one label. */
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const NAMESPACE = new RegExp(`^${LABEL}$`);
/** And of a service account: labels joined by dots, 253 characters at most. Neither can hold a slash, or need an escape. */
const ACCOUNT = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

export const kubernetes = issuerType<typeof configSchema>({
	name: 'kubernetes',
	wireName: 'kubernetes',
	challengeClaim: 'sub',
	certifiedName: '`https://kubernetes.io/namespaces/<namespace>/serviceaccounts/<name>`',
	globalHosts: [],
	configSchema,
	subjectOf(claims) {
		const cluster = member(claims, 'kubernetes.io');
		const namespace = textAt(cluster, 'namespace', NAMESPACE);
		const account = textAt(member(cluster, 'serviceaccount'), 'name', ACCOUNT);
		return { type: 'uri', value: `https://kubernetes.io/namespaces/${namespace}/serviceaccounts/${account}` };
	},
	extensions: () => ({}),
	examples: [
		{
			name: 'a pod of a build',
			settings: { issuer: 'https://kubernetes.default.svc.cluster.local' },
			claims: {
				iss: 'https://kubernetes.default.svc.cluster.local',
				sub: 'system:serviceaccount:build-1:release.signer',
				aud: ['sigstore'],
				'kubernetes.io': {
					namespace: 'build-1',
					node: { name: 'node-7', uid: '646e7c5e-32d6-4d42-9dbd-e504e6cbe6b1' },
					pod: { name: 'release-x7zq2', uid: '5e0bd49b-f040-43b0-99b7-22765a53f7f3' },
					serviceaccount: { name: 'release.signer', uid: 'f5720c1d-e152-4356-a897-11b07aff165d' },
				},
			},
			optionalClaims: ['iss', 'aud'],
			expect: {
				subject: {
					type: 'uri',
					value: 'https://kubernetes.io/namespaces/build-1/serviceaccounts/release.signer',
				},
				issuer: 'https://kubernetes.default.svc.cluster.local',
				extensions: {},
			},
		},
	],
});

function member(claims: object, name: string): object {
	const value = Object.hasOwn(claims, name) ? Reflect.get(claims, name) : undefined;
	if (value === undefined || value === null) throw refuse('claim-missing', `the token has no claim ${quote(name)}`);
	if (typeof value !== 'object') throw refuse('claim-malformed', `the claim ${quote(name)} is no object`);
	return value;
}

/** What Kubernetes lets nobody call anything is not certified, whoever runs the cluster: it could spell the name of another. */
function textAt(claims: object, name: string, form: RegExp): string {
	const value = Object.hasOwn(claims, name) ? Reflect.get(claims, name) : undefined;
	if (value === undefined || value === null || value === '')
		throw refuse('claim-missing', `the claim 'kubernetes.io' has no ${quote(name)}`);
	if (typeof value !== 'string' || !form.test(value))
		throw refuse('claim-malformed', `${quote(name)} in the claim 'kubernetes.io' is ${quote(value)}, no such name`);
	return value;
}
