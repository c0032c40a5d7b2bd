/**
 * What a verifier reads from the development issuers of machine tokens: the discovery document and the keys of each preset.
 * All have the same keys. A token names its issuer in `iss`, which verifiers compare, so one of a preset is good for no
 * other.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { mount } from '@chancery/chassis/http/mount';
import {
	DEVELOPMENT_PRESETS,
	type DevelopmentPreset,
	getCiDiscovery,
	getCiKeys,
	getPresetDiscovery,
	getPresetKeys,
	presetIssuer,
} from '@chancery/wire/identity';
import type { FastifyInstance } from 'fastify';
import type { IssuerKeys } from '../domain/issuer-keys.ts';

const CACHEABLE = { 'cache-control': 'public, max-age=600, must-revalidate', 'access-control-allow-origin': '*' };

export function mountCiIssuers(app: FastifyInstance, publicUrl: string, issuerKeys: IssuerKeys): void {
	const discovery = (preset: DevelopmentPreset) => {
		const issuer = presetIssuer(publicUrl, preset);
		return {
			status: 200 as const,
			headers: CACHEABLE,
			body: {
				issuer,
				jwks_uri: `${issuer}/keys`,
				subject_types_supported: ['public'],
				response_types_supported: ['id_token'],
				id_token_signing_alg_values_supported: ['RS256'],
				scopes_supported: ['openid'],
			},
		};
	};
	// Read for each answer: keys rotate while the service runs.
	const keys = () => ({ status: 200 as const, headers: CACHEABLE, body: { keys: [...issuerKeys.publicJwks] } });
	mount(app, getCiDiscovery, () => discovery('github'));
	mount(app, getCiKeys, keys);
	mount(app, getPresetDiscovery, ({ params }) => discovery(named(params.preset)));
	mount(app, getPresetKeys, ({ params }) => {
		named(params.preset);
		return keys();
	});
}

/** @throws {DomainError} `not-found`, also for the preset that has places of its own */
function named(text: string): DevelopmentPreset {
	const preset = DEVELOPMENT_PRESETS.find((candidate) => candidate === text);
	if (preset === undefined || preset === 'github') throw new DomainError('not-found', 'no issuer has this address');
	return preset;
}
