/**
 * What FUNCTION DUMP answers and FUNCTION RESTORE takes:
 *
 *   +------+---------------+-----+-----------------+---------------------------------+
 *   | 0xF5 | code, string  | ... | version, 2 B LE | CRC-64 of all before it, 8 B LE |
 *   +------+---------------+-----+-----------------+---------------------------------+
 */
import { Crc64 } from './crc64.js';
import { StringDump } from './dump-string.js';
import { MARK_LZF, RdbReader } from './encoding.js';
import { canExpand, LzfDecompressor } from './lzf.js';

const OPCODE_FUNCTION = 0xf5;
const VERSION_WRITTEN = 10;
const VERSION_MAX = 12;
const FOOTER_BYTES = 10;
/** Type in front of, and footer behind, a string as DUMP has it. */
const DUMP_TYPE_BYTES = 1;
const STEP_BYTES = 64 * 1024;

export function dumpFunctions(codes: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [];
  for (const code of codes) {
    const dump = new StringDump(code);
    while (!dump.step());
    const body = dump.output.subarray(DUMP_TYPE_BYTES, dump.bytes - FOOTER_BYTES);
    parts.push(Buffer.of(OPCODE_FUNCTION), body);
  }
  const footer = Buffer.alloc(FOOTER_BYTES);
  footer.writeUInt16LE(VERSION_WRITTEN, 0);
  const all = Buffer.concat([...parts, footer]);
  const crc = new Crc64();
  crc.update(all, 0, all.length - 8);
  crc.writeTo(all, all.length - 8);
  return all;
}

/** The code of each library, at most `bytesMax` in all; a text is the error. */
export function loadFunctions(payload: Buffer, bytesMax: number): Buffer[] | string {
  const end = payload.length - FOOTER_BYTES;
  const isVersionKnown = end >= 0 && payload.readUInt16LE(end) <= VERSION_MAX;
  const crc = new Crc64();
  crc.update(payload, 0, Math.max(0, end + 2));
  if (!isVersionKnown || !crc.equals(payload, end + 2)) {
    return 'ERR DUMP payload version or checksum are wrong';
  }
  const reader = new RdbReader(payload, 0, end);
  const codes: Buffer[] = [];
  let bytes = 0;
  while (reader.at < end) {
    if (reader.readByte() !== OPCODE_FUNCTION) return 'ERR given type is not a function';
    const code = readString(payload, reader, bytesMax - bytes);
    if (code === undefined) return 'ERR Failed loading library data';
    bytes += code.length;
    codes.push(code);
  }
  return codes;
}

function readString(payload: Buffer, reader: RdbReader, bytesMax: number): Buffer | undefined {
  const length = reader.readLength();
  if (length >= 0) {
    const from = reader.at;
    if (from + length > reader.end || length > bytesMax) return undefined;
    reader.at += length;
    return payload.subarray(from, from + length);
  }
  if (reader.mark !== MARK_LZF) return undefined;
  const compressedBytes = reader.readLength();
  const bytes = compressedBytes < 0 ? -1 : reader.readLength();
  const from = reader.at;
  if (bytes < 0 || bytes > bytesMax || from + compressedBytes > reader.end) return undefined;
  if (compressedBytes === 0 || !canExpand(compressedBytes, bytes)) return undefined;
  const code = Buffer.allocUnsafe(bytes);
  const decompressor = new LzfDecompressor(payload, from, from + compressedBytes, code);
  while (!decompressor.step(STEP_BYTES));
  reader.at = from + compressedBytes;
  return decompressor.ok ? code : undefined;
}
