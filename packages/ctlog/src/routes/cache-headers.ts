/** How long an answer may be kept. The values are those of the established servers: caches in front of logs rely on them. */

/** Proofs and complete ranges never change. */
export const IMMUTABLE = { 'cache-control': 'public, max-age=86400' } as const;

/** A range that was cut short may be longer the next time. */
export const GROWING = { 'cache-control': 'public, max-age=60' } as const;

/** The latest of something is asked for to be the latest. */
export const LATEST = { 'cache-control': 'no-cache' } as const;

/** Tiles and issuers are named by what they hold. */
export const FOREVER = { 'cache-control': 'public, max-age=31536000, immutable' } as const;
