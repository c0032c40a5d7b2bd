/**
 * The entry kinds that this log takes: those of the wire, which verifiers know too, and one line for each that only a
 * log can read, because its parser is too heavy for a browser.
 */
export * from '@chancery/wire/kinds/kind-list';
