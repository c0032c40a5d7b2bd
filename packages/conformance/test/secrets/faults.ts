/**
 * Loaded before a service: on SIGUSR2 it throws an uncaught error, on SIGHUP it makes an unhandled rejection. Both contain secrets as
 * errors of libraries do: in properties, in causes, and in quoted texts.
 */
const secret = process.env.CARRIED_SECRET ?? '';
const token = process.env.CARRIED_TOKEN ?? '';

function laden(message: string): Error {
	const details = {
		config: { url: secret, headers: { authorization: `Bearer ${token}` } },
		parameters: [secret, token],
	};
	const cause = Object.assign(new Error(`sent Authorization: Bearer ${token}`), details, { detail: secret });
	return Object.assign(new TypeError(`${message}: ${token}`, { cause }), details, { body: secret });
}

process.on('SIGUSR2', () => {
	setImmediate(() => {
		throw laden('nobody catches this');
	});
});
process.on('SIGHUP', () => void Promise.reject(laden('nobody handles this')));
