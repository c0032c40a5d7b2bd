import { itIsTheMigratedSchema } from '@chancery/testkit/schema-file';
import { describe } from 'vitest';
import { markMigrations } from '../src/mark/database-mark.ts';
import { MARK_SCHEMA } from '../src/mark/mark-database.ts';

describe('mark-schema.sql', () =>
	itIsTheMigratedSchema(new URL('../mark-schema.sql', import.meta.url), [markMigrations(MARK_SCHEMA)]));
