import { itHasSeriesTable } from '@chancery/testkit/series-table';
import { describe } from 'vitest';
import {
	CHASSIS_SERIES,
	CHECK_SERIES,
	DATABASE_SERIES,
	MARK_SERIES,
	PROCESS_SERIES,
	SIGNER_SERIES,
} from '../src/chassis-series.ts';

describe('README', () =>
	itHasSeriesTable(new URL('../README.md', import.meta.url), [
		...CHASSIS_SERIES,
		...DATABASE_SERIES,
		...SIGNER_SERIES,
		...MARK_SERIES,
		...CHECK_SERIES,
		...PROCESS_SERIES,
	]));
