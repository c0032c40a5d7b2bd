/** What `up` says when the TUF repository may not publish: the way on is an operator's decision, not one of ours. */
import type { Service } from '@chancery/chassis/service';
import { Refusal } from '../instance/refusal.ts';

/**
 * A repository that does not fit its mark publishes nothing, and the ceremony would only say so later. The usual reason is
 * a data folder that was restored, or a state folder that was lost.
 * @throws {Refusal}
 */
export async function requireRepositoryMark(service: Service): Promise<void> {
	if (service.name !== 'tuf') return;
	const { mark } = (await service.health()).checks;
	if (mark && !mark.ok)
		throw new Refusal(
			`the TUF repository may not publish: ${mark.detail}. If you know that its database is complete, run 'chancery tuf adopt-repository' (see --help)`,
		);
}
