import { itIsTheMigratedSchema } from '@chancery/testkit/schema-file';
import { describe } from 'vitest';
import { MIGRATIONS } from '../src/store/migrations.ts';

describe('schema.sql', () => itIsTheMigratedSchema(new URL('../schema.sql', import.meta.url), MIGRATIONS));
