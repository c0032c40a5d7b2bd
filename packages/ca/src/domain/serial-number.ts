/**
 * Serial numbers (RFC 5280 section 4.1.2.2): at most 20 octets, positive, and not to be guessed before they are issued.
 */

const SERIAL_OCTETS = 20;

/**
 * 20 octets that are their own DER INTEGER content: the top bit is clear, so that the number is positive, and the first
 * octet is not zero, so that every serial has the same length. Just under 159 bits are random.
 */
export function newSerialNumber(random: (n: number) => Uint8Array): Uint8Array {
	const serial = new Uint8Array(random(SERIAL_OCTETS));
	if (serial.length !== SERIAL_OCTETS)
		throw new Error(`the random source gave ${serial.length} of ${SERIAL_OCTETS} octets`);
	serial[0] = serial[0]! & 0x7f || 1;
	return serial;
}
