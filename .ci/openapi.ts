/** Writes docs/openapi/ from the routes of `wire`. Run by `npm run openapi`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { LISTENERS } from '../packages/wire/src/listeners.ts';
import { describeListener, renderDocument } from '../packages/wire/src/openapi.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
for (const listener of LISTENERS)
	writeFileSync(`docs/openapi/${listener.document}.json`, renderDocument(describeListener(listener, version)));
