/**
 * `trusted_root.json` as a target: published entries stay, newly reported ones are added. Written without `checkpointKeyId` and
 * `operator`, which released clients refuse or misread.
 */
import type { TrustMaterial } from '@chancery/chassis/trust-report';
import { fromUtf8 } from '@chancery/core/bytes';
import { formatRfc3339Seconds, parseRfc3339 } from '@chancery/core/calendar-time';
import type { Sql } from '@chancery/postgres/sql';
import { TRUSTED_ROOT_MEDIA_TYPE, type TrustedRootJson, trustedRoot } from '@chancery/wire/trusted-root';
import type { TargetsMetadata } from '../metadata/metadata.ts';
import { targetFileContent } from '../store/target-files.ts';

type LogJson = NonNullable<TrustedRootJson['tlogs']>[number];
type AuthorityJson = NonNullable<TrustedRootJson['certificateAuthorities']>[number];

/** The published trusted root. Former instances stay in it: without them, old signatures could not be verified. */
export async function publishedTrustedRoot(
	database: Sql,
	targets: TargetsMetadata | undefined,
): Promise<TrustedRootJson | undefined> {
	const hash = targets?.targets['trusted_root.json']?.hashes.sha256;
	const content = hash && (await targetFileContent(database, Uint8Array.fromHex(hash)));
	if (!content) return undefined;
	const json = JSON.parse(fromUtf8(content)) as TrustedRootJson;
	trustedRoot.parse(json);
	return json;
}

/**
 * Adds the reported instances to `current`. The entry of a known instance is not changed, because an operator may have set its
 * validity. Each list is sorted, oldest first.
 */
export function extendTrustedRoot(
	current: TrustedRootJson | undefined,
	materials: readonly TrustMaterial[],
): TrustedRootJson {
	const tlogs: LogJson[] = [...(current?.tlogs ?? [])];
	const ctlogs: LogJson[] = [...(current?.ctlogs ?? [])];
	const certificateAuthorities: AuthorityJson[] = [...(current?.certificateAuthorities ?? [])];
	const timestampAuthorities: AuthorityJson[] = [...(current?.timestampAuthorities ?? [])];
	for (const material of materials) {
		switch (material.kind) {
			case 'tlog':
				addLog(tlogs, material);
				break;
			case 'ctlog':
				addLog(ctlogs, material);
				break;
			case 'certificate-authority':
				addAuthority(certificateAuthorities, material);
				break;
			case 'timestamp-authority':
				addAuthority(timestampAuthorities, material);
				break;
			case 'identity':
				// Clients do not trust the identity provider; the CA does.
				break;
		}
	}
	return {
		mediaType: TRUSTED_ROOT_MEDIA_TYPE,
		tlogs: tlogs.toSorted(byStart((log) => log.publicKey.validFor?.start)),
		certificateAuthorities: certificateAuthorities.toSorted(byStart((authority) => authority.validFor?.start)),
		ctlogs: ctlogs.toSorted(byStart((log) => log.publicKey.validFor?.start)),
		timestampAuthorities: timestampAuthorities.toSorted(byStart((authority) => authority.validFor?.start)),
	};
}

/** Whether the trusted root names this already; what has no key in it counts as named. */
export function isNamedIn(root: TrustedRootJson, material: TrustMaterial): boolean {
	const countOf = (json: TrustedRootJson) =>
		[json.tlogs, json.ctlogs, json.certificateAuthorities, json.timestampAuthorities].flat().filter(Boolean).length;
	return countOf(extendTrustedRoot(root, [material])) === countOf(root);
}

function addLog(logs: LogJson[], material: Extract<TrustMaterial, { kind: 'tlog' | 'ctlog' }>): void {
	if (logs.some(({ logId }) => logId.keyId === material.logId)) return;
	logs.push({
		baseUrl: material.baseUrl,
		hashAlgorithm: 'SHA2_256',
		publicKey: {
			rawBytes: material.publicKey,
			keyDetails: material.keyDetails,
			validFor: { start: wholeSecond(material.validForStart) },
		},
		logId: { keyId: material.logId },
	});
}

function addAuthority(
	authorities: AuthorityJson[],
	material: Extract<TrustMaterial, { kind: 'certificate-authority' | 'timestamp-authority' }>,
): void {
	const first = material.certChain[0];
	if (authorities.some(({ certChain }) => certChain.certificates[0]?.rawBytes === first)) return;
	authorities.push({
		subject: material.subject,
		uri: material.uri,
		certChain: { certificates: material.certChain.map((rawBytes) => ({ rawBytes })) },
		validFor: { start: wholeSecond(material.validForStart) },
	});
}

/**
 * Timestamps and integrated times are whole seconds, rounded down: a start with a fraction would exclude signatures made in the
 * first second of a key.
 */
export function wholeSecond(time: string): string {
	return formatRfc3339Seconds(parseRfc3339(time));
}

function byStart<T>(startOf: (item: T) => string | undefined): (a: T, b: T) => number {
	const startMs = (item: T) => parseRfc3339(startOf(item) ?? '1970-01-01T00:00:00Z').getTime();
	return (a, b) => startMs(a) - startMs(b);
}
