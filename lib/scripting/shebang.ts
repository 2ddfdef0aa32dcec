/** The first line of a script: `#!lua flags=no-writes,allow-stale`, `#!lua name=mylib`. */

export const NO_WRITES = 1 << 0;
export const ALLOW_OOM = 1 << 1;
const ALLOW_STALE = 1 << 2;
const NO_CLUSTER = 1 << 3;
const ALLOW_CROSS_SLOT_KEYS = 1 << 4;
/** A script without a first line of this kind: what it does decides. */
export const COMPATIBLE = 1 << 5;

const FLAGS: ReadonlyMap<string, number> = new Map([
  ['no-writes', NO_WRITES],
  ['allow-oom', ALLOW_OOM],
  ['allow-stale', ALLOW_STALE],
  ['no-cluster', NO_CLUSTER],
  ['allow-cross-slot-keys', ALLOW_CROSS_SLOT_KEYS],
]);

export function scriptFlag(name: string): number | undefined {
  return FLAGS.get(name);
}

/** The names of flags, as FUNCTION LIST shows them. */
export function scriptFlagNames(flags: number): string[] {
  return [...FLAGS].filter(([, bit]) => (flags & bit) !== 0).map(([name]) => name);
}

export interface Shebang {
  readonly flags: number;
  /** What follows the first line, its end included, so that lines keep their numbers. */
  readonly body: string;
}

/** Reads a script for EVAL; a text is what is wrong. */
export function readScript(text: string): Shebang | string {
  if (!text.startsWith('#!')) return { flags: COMPATIBLE, body: text };
  const end = text.indexOf('\n');
  if (end === -1) return 'ERR Invalid script shebang';
  const [engine = '', ...parts] = text
    .slice(0, end)
    .split(/[ \t\r]+/)
    .filter((part) => part !== '');
  if (engine !== '#!lua') return `ERR Unexpected engine in script shebang: ${engine}`;
  let flags = 0;
  for (const part of parts) {
    if (!part.startsWith('flags=')) return `ERR Unknown lua shebang option: ${part}`;
    if (part === 'flags=') continue;
    for (const name of part.slice('flags='.length).split(',')) {
      const flag = FLAGS.get(name);
      if (flag === undefined) return `ERR Unexpected flag in script shebang: ${name}`;
      flags |= flag;
    }
  }
  return { flags, body: text.slice(end) };
}

/** Reads the code of a library: its name and body; a text is what is wrong. */
export function readLibrary(text: string): { name: string; body: string } | string {
  const end = text.indexOf('\n');
  if (!text.startsWith('#!')) return 'ERR Missing library metadata';
  if (end === -1) return 'ERR Invalid library metadata';
  const [engine = '', ...parts] = text
    .slice(2, end)
    .split(/[ \t\r]+/)
    .filter((part) => part !== '');
  let name: string | undefined;
  for (const part of parts) {
    if (!/^name=/i.test(part)) return `ERR Invalid metadata value given: ${part}`;
    if (name !== undefined)
      return 'ERR Invalid metadata value, name argument was given multiple times';
    name = part.slice('name='.length);
  }
  if (name === undefined) return 'ERR Library name was not given';
  if (!isFunctionName(name)) return WRONG_LIBRARY_NAME;
  if (engine.toLowerCase() !== 'lua') return `ERR Engine '${engine}' not found`;
  return { name, body: text.slice(end) };
}

export const WRONG_LIBRARY_NAME =
  'ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long';

export function isFunctionName(name: string): boolean {
  return /^[A-Za-z0-9_]+$/.test(name);
}
