/**
 * Makes the proposed targets: asks every service for its keys, with a proof that it has them, and makes the trusted root, the
 * signing configuration and the PEM files of older clients from the answers. Nothing is signed here; keyholders check the
 * proposal and sign it elsewhere.
 */

import { equalBytes, toHex, utf8 } from '@chancery/core/bytes';
import { parseRfc3339 } from '@chancery/core/calendar-time';
import { sha256 } from '@chancery/core/sha';
import { buildTargets, type TargetDescription, type TargetsMetadata } from '../metadata/metadata.ts';
import { seenVersions } from '../store/mark-holder.ts';
import { legacyTargets } from './legacy-targets.ts';
import { currentTargets, type TargetFile, type TufDeps } from './publish.ts';
import { pullTrustMaterial } from './reported-material.ts';
import { buildSigningConfig } from './signing-config-target.ts';
import { extendTrustedRoot, publishedTrustedRoot } from './trusted-root-target.ts';

export interface TargetsProposal {
	readonly isChange: boolean;
	readonly targets: TargetsMetadata;
	readonly files: readonly TargetFile[];
}

const DAY_MS = 86_400_000;
/** Targets are proposed again when less than this time is left. */
const RENEW_WITHIN_DAYS = 90;

/** @throws {DomainError} `repository-read-only`, `service-unreachable`, `invalid-trust-report` */
export async function proposeTargets(deps: TufDeps): Promise<TargetsProposal> {
	// The proposal must extend what was published, not the content of an old backup.
	await deps.mark.compare();
	const materials = await Promise.all(deps.config.services.map((service) => pullTrustMaterial(deps, service)));
	const current = await currentTargets(deps);
	const seen = await seenVersions(deps.database);

	const root = extendTrustedRoot(await publishedTrustedRoot(deps.database, current?.signed), materials);
	const signingConfig = buildSigningConfig(materials, deps.config);
	const described: (TargetFile & Pick<TargetDescription, 'custom'>)[] = [
		{ name: 'trusted_root.json', content: jsonFile(root) },
		{ name: 'signing_config.v0.2.json', content: jsonFile(signingConfig) },
		...legacyTargets(materials),
	];

	const targets = buildTargets({
		version: Math.max(current?.signed.version ?? 0, seen.targets) + 1,
		expires: new Date(deps.clock() + deps.config.targetsValidForDays * DAY_MS),
		targets: Object.fromEntries(
			described.map(({ name, content, custom }) => [
				name,
				{ length: content.length, hashes: { sha256: toHex(sha256(content)) }, ...(custom ? { custom } : {}) },
			]),
		),
	});
	const isSame = current && equalBytes(utf8(stable(current.signed.targets)), utf8(stable(targets.targets)));
	const isOld = current && parseRfc3339(current.signed.expires).getTime() < deps.clock() + RENEW_WITHIN_DAYS * DAY_MS;
	return {
		isChange: !isSame || Boolean(isOld),
		targets,
		files: described.map(({ name, content }) => ({ name, content })),
	};
}

function jsonFile(value: object): Uint8Array {
	return utf8(`${JSON.stringify(value, null, 2)}\n`);
}

function stable(targets: TargetsMetadata['targets']): string {
	return JSON.stringify(Object.entries(targets).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
