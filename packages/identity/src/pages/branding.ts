/** What whoever runs the service may put on its pages. All of it is text, colour or an image: nothing of it is HTML. */
import { z } from 'zod';
import { COLOUR } from './colour.ts';
import { logoFile } from './logo-file.ts';
import { type Accent, accentOf, unreadable } from './palette.ts';

const MAX_ADDRESS_CHARS = 2000;

const colour = z
	.string()
	.regex(COLOUR, 'expected a colour such as #2a4a8f')
	.transform((text) => text.toLowerCase());

/** `{ light, dark }` or one colour for both. @returns only accents that can be read on every ground of the pages */
const accent = z
	.union(
		[colour, z.strictObject({ light: colour.describe('On light pages.'), dark: colour.describe('On dark pages.') })],
		{
			error: 'expected a colour such as #2a4a8f, or { light, dark } with one each',
		},
	)
	.transform((given, context): Accent => {
		const chosen = accentOf(typeof given === 'string' ? { light: given, dark: given } : given);
		for (const message of unreadable(chosen)) context.issues.push({ code: 'custom', message, input: given });
		return chosen;
	});

/** The field `branding`. */
export function brandingSchema() {
	return z
		.strictObject({
			name: z
				.string()
				.trim()
				.min(1)
				.max(60)
				.default('Chancery')
				.describe('Who runs the service, at the top of each page and in its title.'),
			logo: logoFile()
				.optional()
				.describe('{ file } with a PNG or SVG of at most 64 KiB, which must be recognized on white and on #1b1e26.'),
			accent: accent
				.optional()
				.describe(
					'Colour of buttons and links: #rrggbb, or { light, dark } for the two themes. A colour that cannot be read (4.5:1) is refused.',
				),
			notice: z
				.string()
				.trim()
				.min(1)
				.max(300)
				.optional()
				.describe('Plain text at the top of each page, for example who may sign in here.'),
			helpUrl: z
				.url({ protocol: /^(https?|mailto)$/ })
				.max(MAX_ADDRESS_CHARS)
				.optional()
				.describe('Where people get help: a page, or mailto: an address.'),
			privacyUrl: z
				.url({ protocol: /^https?$/ })
				.max(MAX_ADDRESS_CHARS)
				.optional()
				.describe('Page that says what happens with personal data.'),
		})
		.prefault({});
}

export type Branding = z.output<ReturnType<typeof brandingSchema>>;
