/**
 * Claims in the form of a GitLab job, by the table "Token payload" of GitLab's documentation of ID tokens. Ids and booleans
 * are strings there, except `runner_id`.
 */
import { imaginedCommit } from './imagined.ts';
import { type Claims, type TokenPreset, textClaim } from './preset.ts';

export const gitlab: TokenPreset = { claims: gitlabClaims, backdateSeconds: 5 };

function gitlabClaims(given: Claims): Claims {
	const text = (claim: string, otherwise: string) => textClaim(given, claim, otherwise);
	const projectPath = text('project_path', 'example/project');
	const ref = text('ref', 'main');
	const refType = text('ref_type', 'branch');
	const refPath = text('ref_path', `refs/${refType === 'tag' ? 'tags' : 'heads'}/${ref}`);
	const sha = text('sha', imaginedCommit(`${projectPath}@${refPath}`));
	const login = text('user_login', 'alice');
	return {
		sub: `project_path:${projectPath}:ref_type:${refType}:ref:${ref}`,
		namespace_id: '1',
		namespace_path: projectPath.split('/').slice(0, -1).join('/'),
		project_id: '1',
		project_path: projectPath,
		project_visibility: 'public',
		user_id: '1',
		user_login: login,
		user_email: `${login}@example.com`,
		user_access_level: 'developer',
		pipeline_id: '1',
		pipeline_source: 'push',
		job_id: '1',
		ref,
		ref_type: refType,
		ref_path: refPath,
		ref_protected: 'true',
		runner_id: 1,
		runner_environment: 'gitlab-hosted',
		sha,
		ci_config_ref_uri: `gitlab.com/${projectPath}//.gitlab-ci.yml@${refPath}`,
		ci_config_sha: sha,
		...given,
	};
}
