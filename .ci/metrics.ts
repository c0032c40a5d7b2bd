/** Prints the tables of docs/operate/metrics.md from what the packages declare. Run by `npm run metrics`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { SERIES_PAGE, withSeriesTables } from './series.ts';

writeFileSync(SERIES_PAGE, withSeriesTables(readFileSync(SERIES_PAGE, 'utf8')));
