/**
 * What FUNCTION DUMP answers and FUNCTION RESTORE takes:
 *
 *   +------+---------------+-----+-----------------+---------------------------------+
 *   | 0xF5 | code, string  | ... | version, 2 B LE | CRC-64 of all before it, 8 B LE |
 *   +------+---------------+-----+-----------------+---------------------------------+
 */
import { DumpCheck, FOOTER_BYTES } from './footer.js';
import { RdbError } from './rdb-error.js';
import { RdbReader } from './reader.js';
import { RdbWriter } from './writer.js';

const OPCODE_FUNCTION = 0xf5;

export function dumpFunctions(codes: readonly Buffer[]): Buffer {
  const writer = new RdbWriter();
  for (const code of codes) {
    writer.byte(OPCODE_FUNCTION);
    if (!writer.string(code, 0, code.length)) while (!writer.more());
  }
  writer.finish();
  return Buffer.concat(writer.chunks);
}

/** The code of each library, at most `bytesMax` in all; a text is the error. */
export function loadFunctions(payload: Buffer, bytesMax: number): Buffer[] | string {
  const check = new DumpCheck(payload);
  while (!check.step());
  if (!check.ok) return 'ERR DUMP payload version or checksum are wrong';
  const end = payload.length - FOOTER_BYTES;
  const reader = RdbReader.over(payload, 0, end, { stringBytesMax: bytesMax });
  const codes: Buffer[] = [];
  let bytes = 0;
  try {
    while (reader.at < end) {
      if (reader.byte() !== OPCODE_FUNCTION) return 'ERR given type is not a function';
      while (!reader.string());
      bytes += reader.to - reader.from;
      if (bytes > bytesMax) return 'ERR Failed loading library data';
      codes.push(reader.bytes.subarray(reader.from, reader.to));
    }
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
    return 'ERR Failed loading library data';
  }
  return codes;
}
