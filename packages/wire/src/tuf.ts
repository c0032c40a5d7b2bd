/**
 * The TUF repository's wire: files under one base URL, named as the specification's consistent snapshots name them,
 * and the administration by which an operator publishes what keyholders signed.
 */
import { z } from 'zod';
import { base64Bytes } from './proto-json.ts';
import { route } from './route.ts';
import { getTufStatus } from './status.ts';

/** `timestamp.json`, `3.snapshot.json`, ... Only `timestamp.json` and the copy `root.json` ever change. */
export const getMetadataFile = route({
	method: 'GET',
	path: '/:file',
	summary: 'A metadata file. 404 for the root that does not exist yet ends the client’s walk.',
	params: z.object({ file: z.string().max(64) }),
	replies: { 200: 'bytes' },
	replyType: 'application/json',
});

/** `<sha256 hex>.<name>`. */
export const getTargetFile = route({
	method: 'GET',
	path: '/targets/:file',
	summary: 'A target file under the hash of its content.',
	params: z.object({ file: z.string().max(256) }),
	replies: { 200: 'bytes' },
});

/** Signed metadata as clients read it; its schema is the repository's own, because signatures cover every member. */
const signedMetadata = z.looseObject({ signatures: z.array(z.unknown()), signed: z.looseObject({}) });

export const publishRoot = route({
	method: 'POST',
	path: '/admin/v1/roots',
	summary: 'Publishes the next root, signed by the thresholds of the current and of the new keys.',
	body: z.strictObject({ root: signedMetadata }),
	replies: { 201: z.object({ version: z.int() }) },
});

/** A target file before it is signed for. */
export const proposedFile = z.strictObject({ name: z.string(), content: base64Bytes });

export const proposeTargets = route({
	method: 'POST',
	path: '/admin/v1/proposals',
	summary: 'Asks every configured service for its keys and answers the targets metadata that keyholders should sign.',
	body: z.strictObject({}),
	replies: {
		200: z.object({
			/** False when the published targets already say the same and do not expire soon. */
			isChange: z.boolean(),
			/** Unsigned targets metadata. */
			targets: z.looseObject({}),
			files: z.array(proposedFile),
		}),
	},
});

export const publishTargets = route({
	method: 'POST',
	path: '/admin/v1/targets',
	summary: 'Publishes the next targets together with their files; snapshot and timestamp follow by themselves.',
	body: z.strictObject({ targets: signedMetadata, files: z.array(proposedFile).max(256) }),
	replies: { 201: z.object({ version: z.int(), snapshotVersion: z.int(), timestampVersion: z.int() }) },
});

/** The newest version of each role. */
const versions = z.record(z.string(), z.int());

/** Versions have nine digits at most, and the next ones lie beyond what is stated. */
const seenVersion = z.int().nonnegative().max(99_999_999);

/** What clients have seen: the newest versions that they or mirrors hold; 0 for a role of which there was none. */
const seenVersions = z.strictObject({
	root: z.strictObject({ version: seenVersion.min(1), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
	targets: seenVersion,
	snapshot: seenVersion,
	timestamp: seenVersion,
});

export const adoptRepository = route({
	method: 'POST',
	path: '/admin/v1/adoptions',
	summary:
		'Declares the database to be the true repository, whatever its mark says. Clients that saw more may be stranded.',
	body: z.strictObject({
		/** The newest timestamp in the database, as the operator found it; another one is refused. */
		timestamp: z.int().nonnegative(),
		/** For the record: who and why. */
		reason: z.string().min(1).max(1000),
		/**
		 * Needed when neither the mark nor the service can tell. `nothing-newer`: nothing newer than what is in the database
		 * is known. What the mark or the service knows besides counts in any case.
		 */
		seen: z.union([z.literal('nothing-newer'), seenVersions]).optional(),
	}),
	replies: { 201: z.object({ previous: versions.nullable(), seen: versions, adopted: versions }) },
});

/** Operation id -> route of the public listener. */
export const TUF_ROUTES = { getTufStatus, getMetadataFile, getTargetFile };

/** Operation id -> route of the admin listener, beside those that every service has. */
export const TUF_ADMIN_ROUTES = { publishRoot, proposeTargets, publishTargets, adoptRepository };
