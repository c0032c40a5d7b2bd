/**
 * `signing_config.v0.2.json`: where a signer finds the CA, the identity provider, the logs and the timestamp
 * authorities (dev.sigstore.trustroot.v1.SigningConfig as proto3 JSON), and the ClientTrustConfig that joins it with
 * a trusted root in one file.
 */
import { z } from 'zod';
import { enumeration, int32Number, lenientMessage, timestamp } from './proto-json.ts';
import { trustedRoot } from './trusted-root.ts';

export const SIGNING_CONFIG_MEDIA_TYPE = 'application/vnd.dev.sigstore.signingconfig.v0.2+json';
export const CLIENT_TRUST_CONFIG_MEDIA_TYPE = 'application/vnd.dev.sigstore.clienttrustconfig.v0.1+json';

/** One service. `url` is a base URL, except for timestamp authorities, where it is the complete endpoint. */
export const serviceUrl = lenientMessage({
	url: z.url({ protocol: /^https?$/ }).max(2048),
	majorApiVersion: int32Number.refine((version) => version >= 1 && version <= 1000, 'is not from 1 to 1000'),
	validFor: lenientMessage({ start: timestamp, end: timestamp.optional() }),
	operator: z.string().max(256).optional(),
});

/** dev.sigstore.trustroot.v1.ServiceSelector. */
const serviceSelector = enumeration({ 0: 'SERVICE_SELECTOR_UNDEFINED', 1: 'ALL', 2: 'ANY', 3: 'EXACT' }).pipe(
	z.enum(['ANY', 'ALL', 'EXACT']),
);

/** How many of the services must be used. */
export const serviceSelection = lenientMessage({
	selector: serviceSelector,
	count: int32Number.refine((count) => count >= 1 && count <= 100, 'is not from 1 to 100').optional(),
});

const services = z.array(serviceUrl).max(64).default([]);

export const signingConfig = lenientMessage({
	mediaType: z.literal(SIGNING_CONFIG_MEDIA_TYPE),
	caUrls: services,
	oidcUrls: services,
	rekorTlogUrls: services,
	rekorTlogConfig: serviceSelection.optional(),
	tsaUrls: services,
	tsaConfig: serviceSelection.optional(),
});

export const clientTrustConfig = lenientMessage({
	mediaType: z.literal(CLIENT_TRUST_CONFIG_MEDIA_TYPE),
	trustedRoot,
	signingConfig,
});

export type ServiceUrl = z.output<typeof serviceUrl>;
export type ServiceSelection = z.output<typeof serviceSelection>;
export type SigningConfig = z.output<typeof signingConfig>;
export type SigningConfigJson = z.input<typeof signingConfig>;

/** Parses the JSON value of a signing configuration. @throws {ZodError} naming each field that is wrong. */
export function parseSigningConfig(value: unknown): SigningConfig {
	return signingConfig.parse(value);
}

/**
 * The services to use now, the one that started last first: those that are currently valid, of the highest API version
 * among `supported` that has any.
 */
export function currentServices(
	candidates: readonly ServiceUrl[],
	supported: readonly number[],
	nowMs: number,
): ServiceUrl[] {
	const current = candidates
		.filter(({ majorApiVersion, validFor: { start, end } }) => {
			const isCurrent = start.getTime() <= nowMs && (end === undefined || nowMs <= end.getTime());
			return isCurrent && supported.includes(majorApiVersion);
		})
		.toSorted(
			(a, b) => b.majorApiVersion - a.majorApiVersion || b.validFor.start.getTime() - a.validFor.start.getTime(),
		);
	return current.filter(({ majorApiVersion }) => majorApiVersion === current[0]?.majorApiVersion);
}

/** The first of `currentServices`, or undefined when there is none. */
export function selectService(
	candidates: readonly ServiceUrl[],
	supported: readonly number[],
	nowMs: number,
): ServiceUrl | undefined {
	return currentServices(candidates, supported, nowMs)[0];
}
