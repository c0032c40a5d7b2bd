/** Members of a JWK that nobody else may have (RFC 7518 section 6). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;

/** The name of a member that makes this a private or symmetric key; undefined for a public one. */
export function privateMemberOf(jwk: object): string | undefined {
	return PRIVATE_MEMBERS.find((name) => Object.hasOwn(jwk, name));
}
