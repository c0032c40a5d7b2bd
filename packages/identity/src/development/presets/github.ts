/**
 * Claims in the form of GitHub Actions, to try workflow identities without GitHub. Names and forms follow "OpenID Connect
 * reference" of GitHub's documentation. There, every value is a string, also numbers and booleans.
 */

import { DomainError } from '@chancery/chassis/domain-error';
import { imaginedCommit } from './imagined.ts';
import { type Claims, type TokenPreset, textClaim } from './preset.ts';

const WORKFLOW = 'example/project/.github/workflows/release.yml@refs/heads/main';

export const github: TokenPreset = {
	claims: githubClaims,
	// GitHub sets the start of validity back, so that a client with a slow clock does not refuse a token.
	backdateSeconds: 600,
};

/** `owner/repository/path/of/workflow.yml@ref` */
const WORKFLOW_REF = /^([^/\s@]{1,100})\/([^/\s@]{1,100})\/([^\s@]{1,500})@([^\s@]{1,300})$/;

/** Of a run of the workflow that `given.job_workflow_ref` names. */
function githubClaims(given: Claims): Claims {
	const jobWorkflowRef = Object.hasOwn(given, 'job_workflow_ref') ? given.job_workflow_ref : WORKFLOW;
	const parts = typeof jobWorkflowRef === 'string' ? WORKFLOW_REF.exec(jobWorkflowRef) : null;
	if (!parts)
		throw new DomainError(
			'invalid-request',
			"claim 'job_workflow_ref': expected owner/repository/path/to/workflow.yml@ref",
		);
	const [, owner = '', name = '', file = '', workflowRef = ''] = parts;

	const text = (claim: string, otherwise: string) => textClaim(given, claim, otherwise);
	const repository = text('repository', `${owner}/${name}`);
	const ref = text('ref', workflowRef.startsWith('refs/') ? workflowRef : `refs/heads/${workflowRef}`);
	const sha = text('sha', imaginedCommit(`${repository}@${ref}`));
	const environment = typeof given.environment === 'string' ? given.environment : undefined;

	return {
		job_workflow_ref: jobWorkflowRef,
		sub: environment === undefined ? `repo:${repository}:ref:${ref}` : `repo:${repository}:environment:${environment}`,
		ref,
		ref_type: ref.startsWith('refs/tags/') ? 'tag' : 'branch',
		ref_protected: 'false',
		sha,
		repository,
		repository_id: '1',
		repository_owner: repository.split('/')[0] ?? owner,
		repository_owner_id: '1',
		repository_visibility: 'public',
		workflow: file.split('/').at(-1) ?? file,
		workflow_ref: text('workflow_ref', `${repository}/${file}@${ref}`),
		workflow_sha: sha,
		job_workflow_sha: sha,
		event_name: 'push',
		actor: repository.split('/')[0] ?? owner,
		actor_id: '1',
		base_ref: '',
		head_ref: '',
		run_id: '1',
		run_number: '1',
		run_attempt: '1',
		runner_environment: 'github-hosted',
		...given,
	};
}
