/** The presets, one line each. The names are those of the wire. */
import type { DevelopmentPreset } from '@chancery/wire/identity';
import { buildkite } from './buildkite.ts';
import { circleci } from './circleci.ts';
import { codefresh } from './codefresh.ts';
import { github } from './github.ts';
import { gitlab } from './gitlab.ts';
import { google } from './google.ts';
import { kubernetes } from './kubernetes.ts';
import type { TokenPreset } from './preset.ts';
import { spiffe } from './spiffe.ts';

export const PRESETS: Readonly<Record<DevelopmentPreset, TokenPreset>> = {
	github,
	gitlab,
	buildkite,
	circleci,
	codefresh,
	google,
	kubernetes,
	spiffe,
};
