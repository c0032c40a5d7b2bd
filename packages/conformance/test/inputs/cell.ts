/**
 * The words of the matrix. An example is a request that a route accepts and a description of its shape; the cases turn it
 * into cells, each a request and the one answer that is right.
 */
import type { Answer, ProbeRequest } from './probe.ts';
import type { Refusal, Wire } from './wires.ts';

/** What the route answers when it accepts; `look` asserts the body. */
export interface Acceptance {
	readonly status: number;
	/** Absent for an answer without a body. */
	readonly type?: string;
	readonly look: (answer: Answer) => void;
}

/** `accepted`: as the example says. */
export type Expected = 'accepted' | Acceptance | Refusal;

/** How a field of base64 treats each spelling that is not the canonical one. */
export interface Base64Rules {
	readonly alphabet: Expected;
	readonly noPadding: Expected;
	readonly extraPadding: Expected;
	/** `-` and `_`. The value has neither `+` nor `/` in some cells: then these characters are put in. */
	readonly urlSafe: Expected;
	readonly space: Expected;
	readonly lineEnd: Expected;
}

export interface Field {
	/** Names from the body down, joined by dots; a number is a place in an array. */
	readonly path: string;
	readonly is: 'text' | 'number' | 'boolean' | 'object' | 'array';
	/** Left out, and null. */
	readonly absent: Expected;
	/** Null, where it does not stand for absent. */
	readonly isNull?: Expected;
	/** A JSON value of another type. */
	readonly wrongType?: Expected;
	readonly base64?: Base64Rules;
	/** The text is PEM (or base64 of PEM) of something: the refusal of broken DER in it and of PEM of another kind. */
	readonly pem?: Refusal;
	/** The text is base64 of DER: the refusal of truncated and trailing bytes. */
	readonly der?: Refusal;
}

export interface JsonBody {
	readonly kind: 'json';
	readonly fields: readonly Field[];
	readonly noBody: Expected;
	/** `null` as the whole body. */
	readonly nullBody: Expected;
	readonly unknown: Expected;
	/** The same inside of other members, where that differs. */
	readonly unknownWithin?: Expected;
	/** Takes bodies of 5 MB: they are then what they are. */
	readonly isRoomy?: true;
	/** Takes no body of 40 KB. */
	readonly isTight?: true;
	/** Absent where no member has two words; the suite says so when one has. */
	readonly snakeCase?: Expected;
	readonly notJson?: Refusal;
	readonly invalid?: Refusal;
	readonly tooLarge?: Refusal;
	/** A media type that is not JSON; none at all. */
	readonly otherType: Expected;
	/** One of `application/`, where the route tells them apart. */
	readonly otherApplicationType?: Expected;
	readonly noType: Expected;
}

/** DER as it is: a media type and the refusal of everything that is not one such structure. */
export interface DerBody {
	readonly kind: 'der';
	readonly malformed: Refusal;
	/** `application/` of another kind; any other type, and none. */
	readonly otherApplicationType: Refusal;
	readonly otherType: Refusal;
}

/** A form (`application/x-www-form-urlencoded`) whose refusals are its own cells. */
export interface FormBody {
	readonly kind: 'form';
	readonly garbage: Refusal;
	/** Broken escapes, and NUL, in the values. */
	readonly escapes: Refusal;
	readonly otherType: Refusal;
}

/** `index`: a decimal number; `tree`: the decimal id of a log. */
export interface QueryParameter {
	readonly name: string;
	readonly is: 'index' | 'tree' | 'base64';
	/** Not a decimal number, negative, a fraction, beyond 2^53; for trees everything but the log's own. */
	readonly bad: Refusal;
	/** The parameter twice, where that is not the same. */
	readonly twice?: Refusal;
	/** 2^53 - 1. */
	readonly huge?: Expected;
	readonly absent: Expected;
}

export interface PathParameter {
	/** What the route answers when this stands in the place of the parameter. */
	readonly values: Readonly<Record<string, Expected>>;
}

export interface LongerPath {
	/** Further segments. */
	readonly below?: Expected;
	/** An encoded slash, which is a character of the last segment. */
	readonly slash?: Expected;
	/** 3,000 more characters in the last segment. */
	readonly overlong?: Expected;
}

export interface OwnCell {
	readonly name: string;
	readonly request: () => Promise<ProbeRequest>;
	readonly expected: Expected;
}

export interface Example {
	/** `<service> <listener> <METHOD> <path>` as registered. */
	readonly route: string;
	/** Tells several examples of one route apart. */
	readonly variant?: string;
	readonly wire: Wire;
	readonly request: () => Promise<ProbeRequest>;
	readonly accepted: Acceptance;
	/** Absent for methods that carry none: the cases for bodies do not apply then. */
	readonly body?: JsonBody | DerBody | FormBody;
	readonly query?: readonly QueryParameter[];
	/** Paths below a parameter or `*` are this route's business, not the listener's. */
	readonly parameter?: PathParameter;
	/** The answers to paths that continue this one, where they are not the listener's 404. */
	readonly longerPath?: LongerPath;
	/** Cells of this route alone: tokens, keys, signatures, duplicates. */
	readonly own?: readonly OwnCell[];
}

export interface Cell {
	readonly name: string;
	readonly send: (baseUrl: string) => Promise<Answer>;
	readonly expected: Expected;
}
