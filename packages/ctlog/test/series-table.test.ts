import { itHasSeriesTable } from '@chancery/testkit/series-table';
import { describe } from 'vitest';
import { CTLOG_SERIES } from '../src/metrics.ts';

describe('README', () => itHasSeriesTable(new URL('../README.md', import.meta.url), CTLOG_SERIES));
