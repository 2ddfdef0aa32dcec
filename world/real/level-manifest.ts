/**
 * LevelManifest: what LevelDB's manifest says of its files, looked at before LevelDB opens them.
 *
 *   file     records in pages of 32 KiB; none begins in the last 6 bytes of a page
 *   record   u32 checksum | u16 bytes | u8 part: 1 whole, 2 first, 3 middle, 4 last | part of an edit
 *   edit     tag and fields, again and again: see `EDIT_FIELDS`; numbers are varints
 *
 * A manifest that has lost its end opens as an older one. LevelDB then finds the tables that it
 * still names, does not miss the log file that was there at that time, and removes the tables that
 * were written since: all that they held. That log file tells: the one that the last edit names is
 * there as long as no later edit names another, for it is made before and removed after it.
 *
 * Checksums are LevelDB's business, which refuses a manifest with a wrong one; what is cut off within a
 * record it takes for the torn end of a crash, and so it is here.
 */

const PAGE_BYTES = 32 * 1024;
const RECORD_HEADER_BYTES = 7;
const PART_WHOLE = 1;
const PART_FIRST = 2;
const PART_LAST = 4;

const TAG_LOG_NUMBER = 2;
const TAG_REMOVED_TABLE = 6;
const TAG_TABLE = 7;
/** The fields behind each tag: n a number, s bytes with their length before them. */
const EDIT_FIELDS: Readonly<Record<number, string>> = {
  1: 's', // the order of keys
  [TAG_LOG_NUMBER]: 'n', // older log files are not needed
  3: 'n', // the next number of a file
  4: 'n', // the last number of a write
  5: 'ns', // how far compaction of a level is
  [TAG_REMOVED_TABLE]: 'nn', // level, table
  [TAG_TABLE]: 'nnnss', // level, table, bytes, first and last key
  9: 'n', // a log file that is needed besides
};

/** What the files of a folder lack, in words; undefined: nothing that this manifest could tell. */
export function manifestProblem(manifest: Buffer, names: readonly string[]): string | undefined {
  const tables = new Set<number>();
  let logNumber = 0;
  for (const edit of editsOf(manifest)) {
    const fields = fieldsOf(edit);
    if (fields === undefined) return undefined;
    for (const [tag, first, second] of fields) {
      if (tag === TAG_LOG_NUMBER) logNumber = first;
      else if (tag === TAG_TABLE) tables.add(second);
      else if (tag === TAG_REMOVED_TABLE) tables.delete(second);
    }
  }
  const found = names
    .map((name) => /^(\d+)\.(log|ldb|sst)$/.exec(name))
    .filter((match) => match !== null);
  const isThere = found.some(([, number, kind]) => kind === 'log' && Number(number) === logNumber);
  if (logNumber > 0) {
    return isThere
      ? undefined
      : `the manifest is older than the log: it needs ${nameOfLog(logNumber)}`;
  }
  // One that was just made, or repaired, names no log file, and all tables.
  const other = found.find(([, number, kind]) => kind !== 'log' && !tables.has(Number(number)));
  return other === undefined ? undefined : `the manifest is older than ${other[0]}`;
}

function nameOfLog(number: number): string {
  return `${String(number).padStart(6, '0')}.log`;
}

/** The edits that are whole. */
function* editsOf(manifest: Buffer): Generator<Buffer> {
  let parts: Buffer[] = [];
  for (let at = 0; at + RECORD_HEADER_BYTES <= manifest.length; ) {
    const leftBytes = PAGE_BYTES - (at % PAGE_BYTES);
    if (leftBytes < RECORD_HEADER_BYTES) {
      at += leftBytes;
      continue;
    }
    const from = at + RECORD_HEADER_BYTES;
    const to = from + manifest.readUInt16LE(at + 4);
    const part = manifest[at + 6]!;
    if (to > manifest.length || part < PART_WHOLE || part > PART_LAST) return;
    if (part <= PART_FIRST) parts = [];
    parts.push(manifest.subarray(from, to));
    if (part === PART_WHOLE || part === PART_LAST) yield Buffer.concat(parts);
    at = to;
  }
}

type Field = readonly [tag: number, first: number, second: number];

/** Tags with their first two numbers; undefined: it is no edit. */
function fieldsOf(edit: Buffer): Field[] | undefined {
  const fields: Field[] = [];
  let at = 0;
  const number = (): number => {
    let value = 0;
    for (let factor = 1; at < edit.length; factor *= 128) {
      const byte = edit[at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    at = edit.length + 1;
    return 0;
  };
  while (at < edit.length) {
    const tag = number();
    const numbers: number[] = [];
    for (const kind of EDIT_FIELDS[tag] ?? '?') {
      if (kind === '?') return undefined;
      const value = number();
      if (kind === 's') at += value;
      else numbers.push(value);
    }
    if (at > edit.length) return undefined;
    fields.push([tag, numbers[0] ?? 0, numbers[1] ?? 0]);
  }
  return fields;
}
