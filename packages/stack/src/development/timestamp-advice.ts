/** What `up` says when the timestamp authority has given out times that have not come yet. */
import type { Service } from '@chancery/chassis/service';
import { Refusal } from '../instance/refusal.ts';

/**
 * The authority would refuse every request, and the self-test would only say so later. Its clock is behind, or was ahead:
 * which of the two nobody here can know.
 * @param markFile where the last second lies that stands in a token
 * @throws {Refusal}
 */
export async function requireTimestampClock(service: Service, markFile: string): Promise<void> {
	if (service.name !== 'tsa') return;
	const { clock } = (await service.health()).checks;
	if (clock && !clock.ok)
		throw new Refusal(
			`the timestamp authority gives out no time: the clock is ${clock.detail}. If this machine's clock is wrong, set it right; if it is right now and was ahead before, wait until then, or remove ${markFile}: timestamps of the future then stay valid`,
		);
}
