/** Claims in the form of a Buildkite job, by "Claims" of Buildkite's documentation of `buildkite-agent oidc`. */
import { imaginedCommit, imaginedUuid } from './imagined.ts';
import { type Claims, type TokenPreset, textClaim } from './preset.ts';

export const buildkite: TokenPreset = { claims: buildkiteClaims, backdateSeconds: 0 };

function buildkiteClaims(given: Claims): Claims {
	const text = (claim: string, otherwise: string) => textClaim(given, claim, otherwise);
	const organization = text('organization_slug', 'example');
	const pipeline = text('pipeline_slug', 'project');
	const branch = text('build_branch', 'main');
	const commit = text('build_commit', imaginedCommit(`${organization}/${pipeline}@${branch}`));
	const step = text('step_key', 'release');
	const tag = typeof given.build_tag === 'string' && given.build_tag !== '' ? given.build_tag : undefined;
	const ref = tag === undefined ? `refs/heads/${branch}` : `refs/tags/${tag}`;
	return {
		sub: `organization:${organization}:pipeline:${pipeline}:ref:${ref}:commit:${commit}:step:${step}`,
		organization_slug: organization,
		organization_id: imaginedUuid(organization),
		pipeline_slug: pipeline,
		pipeline_id: imaginedUuid(`${organization}/${pipeline}`),
		build_number: 1,
		build_branch: branch,
		build_commit: commit,
		build_source: 'webhook',
		step_key: step,
		job_id: imaginedUuid(`a job of ${organization}/${pipeline}`),
		agent_id: imaginedUuid(`an agent of ${organization}`),
		runner_environment: 'buildkite-hosted',
		...given,
	};
}
