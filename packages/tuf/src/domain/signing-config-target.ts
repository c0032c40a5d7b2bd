/**
 * `signing_config.v0.2.json` as a target: where signers find the services. Both selectors are `ANY`, the only one that every
 * client knows. A selector without services makes some clients throw, so both are written or neither.
 */
import type { TrustMaterial } from '@chancery/chassis/trust-report';
import { SIGNING_CONFIG_MEDIA_TYPE, type SigningConfigJson } from '@chancery/wire/signing-config';
import type { TufConfig } from '../config.ts';
import { wholeSecond } from './trusted-root-target.ts';

type ServiceJson = NonNullable<SigningConfigJson['caUrls']>[number];

export function buildSigningConfig(
	materials: readonly TrustMaterial[],
	config: Pick<TufConfig, 'operator' | 'defaultLogApiVersion' | 'oidcIssuers'>,
): SigningConfigJson {
	const service = (url: string, majorApiVersion: number, start: string): ServiceJson => ({
		url,
		majorApiVersion,
		validFor: { start: wholeSecond(start) },
		operator: config.operator,
	});
	const tsaUrls = materials.flatMap((material) =>
		material.kind === 'timestamp-authority' ? [service(material.uri, 1, material.validForStart)] : [],
	);
	const rekorTlogUrls = materials
		.flatMap((material) =>
			material.kind === 'tlog' ? [service(material.baseUrl, material.majorApiVersion, material.validForStart)] : [],
		)
		// Clients use the highest version that they know, so for a default of 1 no other version is listed.
		.filter(({ majorApiVersion }) => majorApiVersion <= config.defaultLogApiVersion)
		.toSorted((a, b) => b.majorApiVersion - a.majorApiVersion);
	const caUrls = materials.flatMap((material) =>
		material.kind === 'certificate-authority' ? [service(material.uri, 1, material.validForStart)] : [],
	);
	const oidcStart = caUrls[0]?.validFor.start;
	return {
		mediaType: SIGNING_CONFIG_MEDIA_TYPE,
		caUrls,
		oidcUrls: [
			...materials.flatMap((material) => (material.kind === 'identity' ? [material.issuer] : [])),
			...config.oidcIssuers,
		].map((issuer) => service(issuer, 1, oidcStart ?? '1970-01-01T00:00:00Z')),
		rekorTlogUrls,
		...(rekorTlogUrls.length > 0 ? { rekorTlogConfig: { selector: 'ANY' as const } } : {}),
		tsaUrls,
		...(tsaUrls.length > 0 ? { tsaConfig: { selector: 'ANY' as const } } : {}),
	};
}
