/**
 * Claims in the form of GitHub Actions, to try workflow identities without GitHub. Names and forms follow "OpenID Connect
 * reference" of GitHub's documentation. There, every value is a string, also numbers and booleans.
 */

import { DomainError } from '@chancery/chassis/domain-error';
import { toHex, utf8 } from '@chancery/core/bytes';
import { sha256 } from '@chancery/core/sha';

/** `owner/repository/path/of/workflow.yml@ref` */
const WORKFLOW_REF = /^([^/\s@]{1,100})\/([^/\s@]{1,100})\/([^\s@]{1,500})@([^\s@]{1,300})$/;

/**
 * Returns all claims of a run of the workflow that `given.job_workflow_ref` names. Given claims are kept; missing ones are
 * derived from them (a given `repository` decides the default of `repository_owner`, and so on).
 * @throws {DomainError} `invalid-request` when `job_workflow_ref` does not name a workflow.
 */
export function githubClaims(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
	const jobWorkflowRef = given.job_workflow_ref;
	const parts = typeof jobWorkflowRef === 'string' ? WORKFLOW_REF.exec(jobWorkflowRef) : null;
	if (!parts)
		throw new DomainError(
			'invalid-request',
			"claim 'job_workflow_ref': expected owner/repository/path/to/workflow.yml@ref",
		);
	const [, owner = '', name = '', file = '', workflowRef = ''] = parts;

	const text = (claim: string, otherwise: string): string => {
		const value = given[claim];
		return typeof value === 'string' ? value : otherwise;
	};
	const repository = text('repository', `${owner}/${name}`);
	const ref = text('ref', workflowRef.startsWith('refs/') ? workflowRef : `refs/heads/${workflowRef}`);
	const sha = text('sha', imaginedCommit(`${repository}@${ref}`));
	const environment = typeof given.environment === 'string' ? given.environment : undefined;

	return {
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

/** Forty hex digits like a git commit; the same for the same text. */
function imaginedCommit(text: string): string {
	return toHex(sha256(utf8(text))).slice(0, 40);
}
