/**
 * The campaign's dice: the same choices for the same seed. What the kills hit still depends on the machine's own timing;
 * the seed says what was done, not what it met.
 */

/** The seed of this run: CRASH_SEED, or one made from the time. */
export function campaignSeed(): string {
	return process.env.CRASH_SEED || `run-${Date.now().toString(36)}`;
}
