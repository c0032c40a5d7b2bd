/**
 * Claims in the form of a service account of Kubernetes, as the kubelet projects them into a pod ("Schema for service
 * account private claims" of the Kubernetes documentation).
 */
import { imaginedUuid } from './imagined.ts';
import { type Claims, type TokenPreset, textClaim } from './preset.ts';

export const kubernetes: TokenPreset = { claims: kubernetesClaims, backdateSeconds: 0, hasAudienceList: true };

function kubernetesClaims(given: Claims): Claims {
	const own = objectOf(given['kubernetes.io']);
	const namespace = textClaim(own, 'namespace', 'default');
	const account = textClaim(objectOf(own.serviceaccount), 'name', 'builder');
	const pod = `${account}-0`;
	return {
		sub: `system:serviceaccount:${namespace}:${account}`,
		...given,
		'kubernetes.io': {
			namespace,
			node: { name: 'node-1', uid: imaginedUuid('node-1') },
			pod: { name: pod, uid: imaginedUuid(`${namespace}/pod/${pod}`) },
			...own,
			serviceaccount: { name: account, uid: imaginedUuid(`${namespace}/${account}`), ...objectOf(own.serviceaccount) },
		},
	};
}

function objectOf(value: unknown): Claims {
	return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : {};
}
