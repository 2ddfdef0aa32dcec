/**
 * Payloads for RESTORE, as Redis serialises strings (and collections), and damaged ones.
 *
 *   +------+----------------------+-------------+------------------+
 *   | 0x00 | length, bytes        | version 2 B | CRC-64 8 B       |
 *   +------+----------------------+-------------+------------------+
 *     type   or 0xc0-0xc2 integer   little-endian, of all before it
 *
 * Written from the format's description and not with the product's code, so that the two check each other.
 */
import type { SeededRandom } from '../support/random.js';

/** CRC-64/Jones, reflected: the polynomial of Redis's dumps. */
const polynomial = 0x95ac9329ac4bc9b5n;
const table = makeTable();
const rdbVersion = 10;
const [list, set, hash, zset, stream] = [1, 2, 4, 5, 19];

export function restorePayload(value: Buffer, version = rdbVersion): Buffer {
  return seal(Buffer.concat([Buffer.from([0]), encodeString(value)]), version);
}

function seal(bytes: Buffer, version: number): Buffer {
  const versionBytes = Buffer.from([version & 255, version >>> 8]);
  const body = Buffer.concat([bytes, versionBytes]);
  const crc = Buffer.alloc(8);
  crc.writeBigUInt64LE(crc64(body));
  return Buffer.concat([body, crc]);
}

/** A collection, element after element: RESTORE makes of it what its settings say. */
function collectionPayload(random: SeededRandom, value: Buffer): Buffer {
  const type = random.pick([list, set, hash, zset, stream]);
  if (type === stream) return seal(streamBody(random), rdbVersion);
  const count = random.between(1, 10);
  const parts: Buffer[] = [Buffer.from([type, count])];
  for (let i = 0; i < count; i++) {
    const name = random.chance(0.5) ? `f${i}` : `${i}`;
    parts.push(type === list ? encodeString(value) : encodeString(Buffer.from(name)));
    if (type === hash) parts.push(encodeString(value));
    if (type === zset) parts.push(encodeScore(random.between(-100, 100) / 8));
  }
  return seal(Buffer.concat(parts), rdbVersion);
}

/** One entry `1-1 a 1`, and a group or none with that entry pending for consumer `a` or not. */
function streamBody(random: SeededRandom): Buffer {
  const id = '00000000000000010000000000000001';
  const elements = ['0101', '0001', '0101', '816102', '0001', '0201', '0001', '0001', '0101'];
  const entry = `130110${id}1c1c0000000a00${elements.join('')}0401ff`;
  const state = '01' + '0101' + '0101' + random.pick(['0000', '0002']) + random.pick(['01', '05']);
  const pending = random.chance(0.5);
  const pendings = pending ? `01${id}050000000000000003` : '00';
  const consumer = `0101610700000000000000${pending ? `01${id}` : '00'}`;
  const group = `01${'0167'}0101${random.pick(['01', '00'])}${pendings}${consumer}`;
  return Buffer.from(entry + state + random.pick(['00', group]), 'hex');
}

function encodeScore(score: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(score);
  return bytes;
}

/** Mostly a good payload, else one with a flipped byte, a cut, a future version, or none at all. */
export function randomPayload(random: SeededRandom, value: Buffer): Buffer {
  const kind = random.float();
  if (kind < 0.5) return restorePayload(value);
  if (kind < 0.7) return collectionPayload(random, value);
  if (kind < 0.8) return restorePayload(value, random.pick([1, 9, 13, 99, 600]));
  const payload = restorePayload(value);
  if (kind < 0.9) {
    const at = random.below(payload.length);
    payload[at] = (payload[at] ?? 0) ^ (1 << random.below(8));
    return payload;
  }
  return payload.subarray(0, random.below(payload.length));
}

function encodeString(value: Buffer): Buffer {
  const text = value.toString('latin1');
  const number = Number(text);
  if (text.length <= 11 && Number.isInteger(number) && String(number) === text) {
    const integer = encodeInteger(number);
    if (integer !== null) return integer;
  }
  return Buffer.concat([encodeLength(value.length), value]);
}

function encodeInteger(number: number): Buffer | null {
  if (number >= -128 && number <= 127) return Buffer.from([0xc0, number & 255]);
  const bytes = Buffer.alloc(5);
  if (number >= -32768 && number <= 32767) {
    bytes[0] = 0xc1;
    bytes.writeInt16LE(number, 1);
    return bytes.subarray(0, 3);
  }
  if (number < -2147483648 || number > 2147483647) return null;
  bytes[0] = 0xc2;
  bytes.writeInt32LE(number, 1);
  return bytes;
}

function encodeLength(length: number): Buffer {
  if (length < 64) return Buffer.from([length]);
  if (length < 16384) return Buffer.from([0x40 | (length >>> 8), length & 255]);
  const bytes = Buffer.alloc(5);
  bytes[0] = 0x80;
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

function crc64(bytes: Buffer): bigint {
  let crc = 0n;
  for (const byte of bytes) crc = table[Number((crc ^ BigInt(byte)) & 255n)]! ^ (crc >> 8n);
  return crc;
}

function makeTable(): bigint[] {
  const rows: bigint[] = [];
  for (let i = 0; i < 256; i++) {
    let crc = BigInt(i);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ polynomial : crc >> 1n;
    rows.push(crc);
  }
  return rows;
}
