/**
 * Loaded before anything else in a process whose clock is to be wrong (`NODE_OPTIONS=--import`): shows a time that is
 * TEST_CLOCK_SHIFT_MS away from the machine's. Children that do not get this environment, as the database, keep the
 * machine's time.
 */
const shiftMs = Number(process.env.TEST_CLOCK_SHIFT_MS);
const MachineDate = Date;

class ShiftedDate extends MachineDate {
	constructor(...time: [] | ConstructorParameters<DateConstructor>) {
		if (time.length === 0) super(ShiftedDate.now());
		else super(...time);
	}

	static override now(): number {
		return MachineDate.now() + shiftMs;
	}
}

globalThis.Date = ShiftedDate as DateConstructor;
