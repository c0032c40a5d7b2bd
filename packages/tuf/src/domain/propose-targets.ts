/**
 * Makes the proposed targets: asks every service for its keys, with a proof that it has them, and makes the trusted root, the
 * signing configuration and the PEM files of older clients from the answers. Nothing is signed here; keyholders check the
 * proposal and sign it elsewhere.
 */

import { ConfigError } from '@chancery/chassis/config/config-error';
import { DomainError } from '@chancery/chassis/domain-error';
import { readClientCertificate } from '@chancery/chassis/tls/client-certificate';
import { openTrustReport, type TrustMaterial } from '@chancery/chassis/trust-report';
import { equalBytes, fromUtf8, toHex, utf8 } from '@chancery/core/bytes';
import { parseRfc3339 } from '@chancery/core/calendar-time';
import { sha256 } from '@chancery/core/sha';
import { CallError, call } from '@chancery/net/call';
import { createHttpTransport } from '@chancery/net/http-transport';
import { getTrustReport } from '@chancery/wire/trust-report';
import { type TrustedRootJson, trustedRoot } from '@chancery/wire/trusted-root';
import { buildTargets, type TargetDescription, type TargetsMetadata } from '../metadata/metadata.ts';
import { seenVersions } from '../store/mark-holder.ts';
import { targetFileContent } from '../store/target-files.ts';
import { legacyTargets } from './legacy-targets.ts';
import { currentTargets, type TargetFile, type TufDeps } from './publish.ts';
import { checkReport } from './report-rules.ts';
import { buildSigningConfig } from './signing-config-target.ts';
import { extendTrustedRoot } from './trusted-root-target.ts';

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

	const root = extendTrustedRoot(await currentTrustedRoot(deps, current?.signed), materials);
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

async function pullTrustMaterial(
	deps: TufDeps,
	service: TufDeps['config']['services'][number],
): Promise<TrustMaterial> {
	const way = await wayTo(deps, service);
	try {
		const { body } = await call(
			{ ...getTrustReport, path: '' },
			service.trustReportUrl,
			{},
			{
				...way,
				headers: { authorization: `Bearer ${service.bearer.reveal()}` },
				maxReplyBytes: 256 * 1024,
				timeoutMs: 10_000,
			},
		);
		const report = openTrustReport(body);
		checkReport(report, deps.clock());
		return report.material;
	} catch (cause) {
		if (!(cause instanceof CallError)) throw cause;
		throw new DomainError(
			'service-unreachable',
			`${service.trustReportUrl} did not report its keys: ${cause.message}`,
			{
				cause,
			},
		);
	}
}

/** @throws {DomainError} `service-unreachable` when the certificate that would be shown there cannot be used */
async function wayTo(deps: TufDeps, { trustReportUrl, client }: TufDeps['config']['services'][number]) {
	if (client === undefined) return { fetch: deps.fetch };
	try {
		return { transport: createHttpTransport(await readClientCertificate(client, deps.clock())) };
	} catch (cause) {
		if (!(cause instanceof ConfigError)) throw cause;
		throw new DomainError('service-unreachable', `${trustReportUrl} was not asked: ${cause.message}`, { cause });
	}
}

/** The published trusted root. Former instances stay in it: without them, old signatures could not be verified. */
async function currentTrustedRoot(
	deps: TufDeps,
	targets: TargetsMetadata | undefined,
): Promise<TrustedRootJson | undefined> {
	const hash = targets?.targets['trusted_root.json']?.hashes.sha256;
	const content = hash && (await targetFileContent(deps.database, Uint8Array.fromHex(hash)));
	if (!content) return undefined;
	const json = JSON.parse(fromUtf8(content)) as TrustedRootJson;
	trustedRoot.parse(json);
	return json;
}

function jsonFile(value: object): Uint8Array {
	return utf8(`${JSON.stringify(value, null, 2)}\n`);
}

function stable(targets: TargetsMetadata['targets']): string {
	return JSON.stringify(Object.entries(targets).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
