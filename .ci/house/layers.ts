/** Which package may import which, what is pure, and which way the arrows inside of a service point. */
import { type Complaint, lineAt, partOf, type SourceFile, type SourceTree } from './source-tree.ts';

const PLATFORM = ['core', 'wire', 'net', 'keys', 'postgres', 'chassis'];
export const SERVICES: readonly string[] = ['ca', 'log', 'ctlog', 'tsa', 'tuf', 'identity'];
const BELOW_STACK = [...PLATFORM, 'verify', 'tlog', 'client', ...SERVICES];

/** package -> the packages of ours it may import. The table is the one in docs/architecture.md; a new package needs a row. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
	core: [],
	wire: ['core'],
	verify: ['core', 'wire'],
	net: ['core', 'wire'],
	keys: ['core'],
	postgres: ['core'],
	chassis: ['core', 'wire', 'net', 'keys', 'postgres'],
	tlog: ['core', 'keys', 'postgres'],
	client: ['core', 'wire', 'net', 'verify', 'keys'],
	ca: PLATFORM,
	log: [...PLATFORM, 'tlog'],
	ctlog: [...PLATFORM, 'tlog'],
	tsa: PLATFORM,
	tuf: PLATFORM,
	identity: PLATFORM,
	stack: BELOW_STACK,
	cli: ['client', 'verify', 'wire', 'net', 'core', 'keys', 'stack'],
	testkit: BELOW_STACK,
	conformance: [...BELOW_STACK, 'testkit', 'stack', 'cli', 'bench'],
	bench: [...BELOW_STACK, 'testkit', 'stack', 'cli'],
};

/** Time, randomness and I/O come into these as arguments, so that they run in a browser. */
const PURE = new Set(['core', 'wire', 'verify']);
const IMPURE = /\b(Date\.now|Math\.random|process\.|console\.|fetch\()|'node:/;
/** Chosen in `package.json` where the runtime is Node; beside it is a portable one. */
const MAY_USE_NODE = 'packages/core/src/sha2-native.ts';

/**
 * Inside a service, arrows point from routes to domain to store. A route may reach the store through the domain, and only
 * so: not even a type of a row is its affair.
 */
const PART_BANS: readonly (readonly [part: string, forbidden: RegExp, why: string])[] = [
	['routes', /from 'pg'|from '@chancery\/postgres\//, 'routes do not speak SQL: call one domain function'],
	['routes', /from '(\.\.\/)+store\//, 'routes do not reach the store: call one domain function'],
	['domain', /from 'fastify'/, 'the domain does not know the HTTP framework'],
	['domain', /from '\.\.\/routes\//, 'the domain does not know the routes'],
	['store', /from '@chancery\/wire\/|from '\.\.\/(routes|domain)\//, 'the store knows neither wire nor rules'],
];

export function layers(tree: SourceTree): Complaint[] {
	return [
		...[...tree.sources.values()].flatMap((file) => [
			...checkPackages(file),
			...checkPurity(file),
			...checkParts(file),
			...checkNeighbours(file.owner, file.path, file.text),
		]),
		...[...tree.manifests].flatMap(([owner, { path, text }]) => checkNeighbours(owner, path, text)),
	];
}

function checkPackages({ path, owner, text, isTest, imports }: SourceFile): Complaint[] {
	const allowed = MAY_IMPORT[owner];
	if (!allowed) return [`${path}: package '${owner}' has no row in the import table`];
	const complaints: Complaint[] = [];
	for (const { specifier } of imports) {
		const ours = /^@chancery\/([a-z]+)(\/|$)/.exec(specifier)?.[1];
		if (ours && ours !== owner && !allowed.includes(ours) && !(isTest && ours === 'testkit'))
			complaints.push(`${path}: '${owner}' may not import '${ours}'`);
		if (ours === 'stack' && owner === 'cli' && !isTest && !text.includes(`import('${specifier}')`))
			complaints.push(`${path}: 'cli' imports 'stack' only lazily`);
	}
	return complaints;
}

function checkPurity({ path, owner, text, isTest }: SourceFile): Complaint[] {
	if (!PURE.has(owner) || isTest || path === MAY_USE_NODE) return [];
	return text.split('\n').flatMap((line, i) => {
		const isComment = /^\s*(\*|\/\/|\/\*)/.test(line);
		return !isComment && IMPURE.test(line) ? [`${path}:${i + 1}: '${owner}' is pure: ${line.trim()}`] : [];
	});
}

function checkParts({ path, text, isTest }: SourceFile): Complaint[] {
	if (isTest) return [];
	const part = partOf(path);
	return PART_BANS.filter(([banned, forbidden]) => part === banned && forbidden.test(text)).map(
		([, , why]) => `${path}: ${why}`,
	);
}

/** A service does not name the package of another, neither in what it runs nor in what it depends on. */
function checkNeighbours(owner: string, path: string, text: string): Complaint[] {
	if (!SERVICES.includes(owner)) return [];
	const named = /(?:@chancery|\bpackages|\.\.)\/([a-z]+)(?=[/'"`])/g;
	return [...text.matchAll(named)]
		.filter(([, name = '']) => name !== owner && SERVICES.includes(name) && !path.startsWith(`packages/${name}/`))
		.map(({ 0: words, index }) => `${path}:${lineAt(text, index)}: '${owner}' names another service: ${words}`);
}
