/**
 * Keys made of numbers, so that the order of the bytes is the order of the numbers.
 *
 *   int    8 bytes, big-endian, sign bit flipped                    -2^63 .. 2^63 - 1
 *          -1 -> 7f ff ff ff ff ff ff ff     0 -> 80 00 ..     1 -> 80 00 .. 01
 *
 *   float  8 bytes, IEEE 754 double, big-endian; sign bit flipped if it is positive, every bit
 *          if it is negative. -0 becomes 0, for equal numbers are one key. No NaN: it has no order.
 *
 *   big    any integer; magnitude big-endian without leading zeros, `n` its bytes:
 *            0                 80
 *            n = 1 .. 126      80+n, magnitude
 *            n >= 127          ff, n in 4 bytes, magnitude
 *          A negative number is the encoding of its magnitude with every bit inverted.
 *
 * No encoding is the beginning of another of its kind, so further parts may follow: a key made of
 * a big and a name is ordered by number first and by name second.
 *
 * As text, where bytes are awkward (redis-cli, JSON), take the hexadecimal form: it has the same
 * order, and every `decode` takes it as well.
 */

import { hashHex } from '../murmur/murmur3.js';

const INT_BYTES = 8;
const FLOAT_BYTES = 8;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

const BIG_ZERO = 0x80;
const BIG_SHORT_BYTES_MAX = 126;
const BIG_LONG = 0xff;
const BIG_LONG_HEADER_BYTES = 5;
/** A key has at most 64 KiB. */
const BIG_BYTES_MAX = 65_536 - BIG_LONG_HEADER_BYTES;

/** The hash in front of a key: 32 hex digits and a colon. */
const HASH_PREFIX_BYTES = 33;

export type EncodingKind = 'int' | 'float' | 'big';

/** An encoding as bytes, or as text in hexadecimal digits. */
export type Encoded = Uint8Array | string;

/** A number that has no encoding, or bytes that encode none. */
export class EncodingError extends RangeError {
  readonly code = 'ERR_DHASH_ENCODING';
  override readonly name = 'EncodingError';
}

/** Numbers must be integers of at most 53 bits; beyond that, give a bigint. */
export function encodeInt(value: number | bigint): Buffer {
  const exact = typeof value === 'bigint' ? value : exactInteger(value);
  if (exact < INT64_MIN || exact > INT64_MAX) {
    throw new EncodingError(`not a 64-bit integer: ${value}`);
  }
  const encoded = Buffer.alloc(INT_BYTES);
  encoded.writeBigInt64BE(exact);
  encoded[0]! ^= 0x80;
  return encoded;
}

export function decodeInt64(encoded: Encoded): bigint {
  const bytes = Buffer.from(bytesOf(encoded));
  if (bytes.length !== INT_BYTES) throw new EncodingError(`an int has ${INT_BYTES} bytes`);
  bytes[0]! ^= 0x80;
  return bytes.readBigInt64BE();
}

/** As `decodeInt64`, for integers of at most 53 bits. */
export function decodeInt(encoded: Encoded): number {
  const value = Number(decodeInt64(encoded));
  if (!Number.isSafeInteger(value)) throw new EncodingError('the int has more than 53 bits');
  return value;
}

export function encodeFloat(value: number): Buffer {
  if (Number.isNaN(value)) throw new EncodingError('NaN has no place in an order');
  const encoded = Buffer.alloc(FLOAT_BYTES);
  encoded.writeDoubleBE(value === 0 ? 0 : value);
  if (value < 0) invert(encoded);
  else encoded[0]! ^= 0x80;
  return encoded;
}

export function decodeFloat(encoded: Encoded): number {
  const bytes = Buffer.from(bytesOf(encoded));
  if (bytes.length !== FLOAT_BYTES) throw new EncodingError(`a float has ${FLOAT_BYTES} bytes`);
  if (bytes[0]! < 0x80) invert(bytes);
  else bytes[0]! ^= 0x80;
  const value = bytes.readDoubleBE();
  if (Number.isNaN(value) || Object.is(value, -0)) {
    throw new EncodingError('these bytes encode no float');
  }
  return value;
}

export function encodeBig(value: number | bigint): Buffer {
  const exact = typeof value === 'bigint' ? value : exactInteger(value);
  if (exact === 0n) return Buffer.from([BIG_ZERO]);
  const digits = (exact < 0n ? -exact : exact).toString(16);
  const magnitude = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  if (magnitude.length > BIG_BYTES_MAX) throw new EncodingError('too big for a key');
  const encoded = Buffer.concat([bigHeader(magnitude.length), magnitude]);
  if (exact < 0n) invert(encoded);
  return encoded;
}

export function decodeBig(encoded: Encoded): bigint {
  const bytes = Buffer.from(bytesOf(encoded));
  if (bytes.length === 1 && bytes[0] === BIG_ZERO) return 0n;
  const isNegative = bytes.length > 0 && bytes[0]! < BIG_ZERO;
  if (isNegative) invert(bytes);
  const headerBytes = bytes[0] === BIG_LONG ? BIG_LONG_HEADER_BYTES : 1;
  const magnitude = bytes.subarray(headerBytes);
  const header = bigHeader(magnitude.length);
  const isCanonical = header.equals(bytes.subarray(0, headerBytes)) && magnitude[0] !== 0;
  if (!isCanonical || magnitude.length === 0 || magnitude.length > BIG_BYTES_MAX) {
    throw new EncodingError('these bytes encode no big integer');
  }
  const value = BigInt(`0x${magnitude.toString('hex')}`);
  return isNegative ? -value : value;
}

/** Encodes a number written in decimals, as on a command line: `-12`, `1.5e3`, `-inf`. */
export function encodeText(kind: EncodingKind, text: string): Buffer {
  if (kind === 'float') return encodeFloat(parseFloatText(text));
  if (!/^[+-]?[0-9]+$/.test(text)) throw new EncodingError(`not an integer: ${text}`);
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
  return kind === 'int' ? encodeInt(value) : encodeBig(value);
}

/** The number in decimals, such that `encodeText` gives the same bytes again. */
export function decodeText(kind: EncodingKind, encoded: Encoded): string {
  if (kind === 'int') return decodeInt64(encoded).toString();
  if (kind === 'big') return decodeBig(encoded).toString();
  const value = decodeFloat(encoded);
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? 'inf' : '-inf';
}

/**
 * Puts the hash of a key in front of it: `cbd8a7b341bd9b025b1e906a48ae1d19:hello`. Such keys lie
 * evenly over the ring and stay readable; what is lost is the order of the keys themselves.
 */
export function prefixWithHash(key: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${hashHex(key)}:`, 'latin1'), key]);
}

/** The key behind its hash. */
export function withoutHashPrefix(prefixed: Uint8Array): Buffer {
  const key = Buffer.from(prefixed.subarray(HASH_PREFIX_BYTES));
  if (!prefixWithHash(key).equals(prefixed)) {
    throw new EncodingError('the key does not begin with its hash');
  }
  return key;
}

function exactInteger(value: number): bigint {
  if (!Number.isSafeInteger(value)) throw new EncodingError(`not an exact integer: ${value}`);
  return BigInt(value);
}

function bigHeader(magnitudeBytes: number): Buffer {
  if (magnitudeBytes <= BIG_SHORT_BYTES_MAX) return Buffer.from([BIG_ZERO + magnitudeBytes]);
  const header = Buffer.alloc(BIG_LONG_HEADER_BYTES, BIG_LONG);
  header.writeUInt32BE(magnitudeBytes, 1);
  return header;
}

function parseFloatText(text: string): number {
  const infinity = /^([+-]?)inf(inity)?$/i.exec(text);
  if (infinity !== null) return infinity[1] === '-' ? -Infinity : Infinity;
  if (!/^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i.test(text)) {
    throw new EncodingError(`not a number: ${text}`);
  }
  const value = Number(text);
  if (!Number.isFinite(value)) throw new EncodingError(`too big for a float: ${text}`);
  return value;
}

function bytesOf(encoded: Encoded): Uint8Array {
  if (typeof encoded !== 'string') return encoded;
  if (!/^([0-9a-f]{2})*$/i.test(encoded)) throw new EncodingError(`not hexadecimal: ${encoded}`);
  return Buffer.from(encoded, 'hex');
}

function invert(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at++) bytes[at] = ~bytes[at]!;
}
