import { itHasSeriesTable } from '@chancery/testkit/series-table';
import { describe } from 'vitest';
import { IDENTITY_SERIES } from '../src/metrics.ts';

describe('README', () => itHasSeriesTable(new URL('../README.md', import.meta.url), IDENTITY_SERIES));
