/**
 * Issuer type `github-actions`: a workflow run on GitHub, or on a GitHub Enterprise server with its own URL. The
 * subject is the workflow that holds the steps (the called one, when a workflow calls another).
 */

import { optionalClaim, requiredClaim } from '@chancery/chassis/tokens/claims';
import { z } from 'zod';
import { issuerSettingsShape, issuerType } from './issuer-type.ts';
import { BASE_URL, subjectUri } from './subject-uri.ts';

const configSchema = z.strictObject({
	type: z.literal('github-actions').describe('Issuer type of this entry; decides which other fields it has.'),
	...issuerSettingsShape,
	url: z
		.url({ protocol: /^https?$/ })
		.max(512)
		.regex(BASE_URL, 'expected a scheme, a host, perhaps a port and a path, and no slash at the end')
		.default('https://github.com')
		.describe(
			'Base URL of the server that hosts the repositories, without a closing slash. Default `https://github.com`; a GitHub Enterprise server has its own. It begins every name and URI in the certificates.',
		),
});

export const githubActions = issuerType<typeof configSchema>({
	name: 'github-actions',
	wireName: 'ci-provider',
	challengeClaim: 'sub',
	certifiedName: '`<url>/<job_workflow_ref>`',
	globalHosts: ['token.actions.githubusercontent.com'],
	configSchema,
	subjectOf: (claims, { url }) => ({
		type: 'uri',
		value: subjectUri(url, requiredClaim(claims, 'job_workflow_ref')),
	}),
	extensions(claims, { url }) {
		const claim = (name: string) => requiredClaim(claims, name);
		const repository = claim('repository');
		return {
			githubWorkflowTrigger: claim('event_name'),
			githubWorkflowSha: claim('sha'),
			githubWorkflowName: claim('workflow'),
			githubWorkflowRepository: repository,
			githubWorkflowRef: claim('ref'),
			buildSignerUri: `${url}/${claim('job_workflow_ref')}`,
			buildSignerDigest: claim('job_workflow_sha'),
			runnerEnvironment: claim('runner_environment'),
			sourceRepositoryUri: `${url}/${repository}`,
			sourceRepositoryDigest: claim('sha'),
			sourceRepositoryRef: claim('ref'),
			sourceRepositoryIdentifier: claim('repository_id'),
			sourceRepositoryOwnerUri: `${url}/${claim('repository_owner')}`,
			sourceRepositoryOwnerIdentifier: claim('repository_owner_id'),
			buildConfigUri: `${url}/${claim('workflow_ref')}`,
			buildConfigDigest: claim('workflow_sha'),
			buildTrigger: claim('event_name'),
			runInvocationUri: `${url}/${repository}/actions/runs/${claim('run_id')}/attempts/${claim('run_attempt')}`,
			sourceRepositoryVisibilityAtSigning: claim('repository_visibility'),
			deploymentEnvironment: optionalClaim(claims, 'environment'),
		};
	},
	examples: [
		{
			name: 'a release workflow that calls a reusable one',
			settings: { issuer: 'https://token.actions.githubusercontent.com' },
			claims: {
				iss: 'https://token.actions.githubusercontent.com',
				sub: 'repo:octo-org/octo-app:environment:release',
				aud: 'sigstore',
				actor: 'octocat',
				environment: 'release',
				event_name: 'push',
				job_workflow_ref: 'octo-org/build-tools/.github/workflows/sign.yml@refs/tags/v2',
				job_workflow_sha: 'aa218f56b14c9653891f9e74264a383fa43fefbd',
				ref: 'refs/tags/v1.4.0',
				ref_type: 'tag',
				repository: 'octo-org/octo-app',
				repository_id: 74,
				repository_owner: 'octo-org',
				repository_owner_id: '65',
				repository_visibility: 'public',
				run_attempt: '2',
				run_id: 6171717171,
				runner_environment: 'github-hosted',
				sha: 'f3761db6eb4ad5f1a0a4ba4b1a3d8a9c4a3e8a66',
				workflow: 'Release <app>',
				workflow_ref: 'octo-org/octo-app/.github/workflows/release.yml@refs/tags/v1.4.0',
				workflow_sha: 'f3761db6eb4ad5f1a0a4ba4b1a3d8a9c4a3e8a66',
			},
			optionalClaims: ['iss', 'aud', 'actor', 'environment', 'ref_type'],
			expect: {
				subject: {
					type: 'uri',
					value: 'https://github.com/octo-org/build-tools/.github/workflows/sign.yml@refs/tags/v2',
				},
				issuer: 'https://token.actions.githubusercontent.com',
				extensions: {
					githubWorkflowTrigger: 'push',
					githubWorkflowSha: 'f3761db6eb4ad5f1a0a4ba4b1a3d8a9c4a3e8a66',
					githubWorkflowName: 'Release <app>',
					githubWorkflowRepository: 'octo-org/octo-app',
					githubWorkflowRef: 'refs/tags/v1.4.0',
					buildSignerUri: 'https://github.com/octo-org/build-tools/.github/workflows/sign.yml@refs/tags/v2',
					buildSignerDigest: 'aa218f56b14c9653891f9e74264a383fa43fefbd',
					runnerEnvironment: 'github-hosted',
					sourceRepositoryUri: 'https://github.com/octo-org/octo-app',
					sourceRepositoryDigest: 'f3761db6eb4ad5f1a0a4ba4b1a3d8a9c4a3e8a66',
					sourceRepositoryRef: 'refs/tags/v1.4.0',
					sourceRepositoryIdentifier: '74',
					sourceRepositoryOwnerUri: 'https://github.com/octo-org',
					sourceRepositoryOwnerIdentifier: '65',
					buildConfigUri: 'https://github.com/octo-org/octo-app/.github/workflows/release.yml@refs/tags/v1.4.0',
					buildConfigDigest: 'f3761db6eb4ad5f1a0a4ba4b1a3d8a9c4a3e8a66',
					buildTrigger: 'push',
					runInvocationUri: 'https://github.com/octo-org/octo-app/actions/runs/6171717171/attempts/2',
					sourceRepositoryVisibilityAtSigning: 'public',
					deploymentEnvironment: 'release',
				},
			},
		},
	],
});
