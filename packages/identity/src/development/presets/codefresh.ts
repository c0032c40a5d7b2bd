/** Claims in the form of a Codefresh build, by "Codefresh OIDC claims" of Codefresh's documentation. */
import { imaginedObjectId } from './imagined.ts';
import { type Claims, type TokenPreset, textClaim } from './preset.ts';

export const codefresh: TokenPreset = { claims: codefreshClaims };

function codefreshClaims(given: Claims): Claims {
	const text = (claim: string, otherwise: string) => textClaim(given, claim, otherwise);
	const account = text('account_name', 'example');
	const accountId = text('account_id', imaginedObjectId(account));
	const pipeline = text('pipeline_name', 'project/release');
	const pipelineId = text('pipeline_id', imaginedObjectId(`${account}/${pipeline}`));
	const repository = text('scm_repo_url', 'https://github.com/example/project');
	const ref = text('scm_ref', 'main');
	const user = text('scm_user_name', 'alice');
	return {
		sub: `account:${accountId}:pipeline:${pipelineId}:scm_repo_url:${repository}:scm_user_name:${user}:scm_ref:${ref}`,
		account_id: accountId,
		account_name: account,
		pipeline_id: pipelineId,
		pipeline_name: pipeline,
		workflow_id: imaginedObjectId(`a build of ${account}/${pipeline}`),
		initiator: user,
		platform_url: 'https://g.codefresh.io',
		scm_repo_url: repository,
		scm_ref: ref,
		scm_user_name: user,
		runner_environment: 'hybrid',
		...given,
	};
}
