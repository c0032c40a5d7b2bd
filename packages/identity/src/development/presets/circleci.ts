/**
 * Claims in the form of a CircleCI job, by "Format of the OpenID Connect ID token" of CircleCI's documentation. All claims
 * of its own have its host in their names.
 */
import { imaginedUuid } from './imagined.ts';
import { type Claims, type TokenPreset, textClaim } from './preset.ts';

export const circleci: TokenPreset = { claims: circleciClaims };

const OWN = 'oidc.circleci.com/';

function circleciClaims(given: Claims): Claims {
	const text = (claim: string, otherwise: string) => textClaim(given, OWN + claim, otherwise);
	const organization = text('org-id', imaginedUuid('example'));
	const project = text('project-id', imaginedUuid('example/project'));
	return {
		sub: `org/${organization}/project/${project}/user/${imaginedUuid('alice')}`,
		[`${OWN}org-id`]: organization,
		[`${OWN}project-id`]: project,
		[`${OWN}context-ids`]: [],
		[`${OWN}pipeline-definition-id`]: imaginedUuid(`the pipeline definition of ${project}`),
		[`${OWN}pipeline-id`]: imaginedUuid(`a pipeline of ${project}`),
		[`${OWN}workflow-id`]: imaginedUuid(`a workflow of ${project}`),
		[`${OWN}job-id`]: imaginedUuid(`a job of ${project}`),
		[`${OWN}vcs-origin`]: 'github.com/example/project',
		[`${OWN}vcs-ref`]: 'refs/heads/main',
		[`${OWN}ssh-rerun`]: false,
		...given,
	};
}
