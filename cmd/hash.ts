/** `dhash hash`: the hash of keys, as `DHASH HASH` of a node gives it. */

import type { Command } from 'commander';
import { prefixWithHash } from '../lib/encoding.js';
import { hashHex } from '../murmur/murmur3.js';

const HELP = `
One line per key: 32 hexadecimal digits of MurmurHash3 (x64, 128 bits) of its bytes in UTF-8.
With --prefix each line is the key with its hash and a colon in front: such keys lie evenly over
a ring and stay readable.

Examples:
  $ dhash hash hello                    cbd8a7b341bd9b025b1e906a48ae1d19
  $ dhash hash --prefix hello           cbd8a7b341bd9b025b1e906a48ae1d19:hello
  $ dhash hash -- --json                a key that begins with a dash
`;

interface HashFlags {
  readonly prefix?: boolean;
  readonly json?: boolean;
}

export function addHashCommand(program: Command): void {
  program
    .command('hash')
    .description('print the hash of keys (MurmurHash3, 128 bits)')
    .argument('<key...>', 'keys to hash')
    .option('--prefix', 'print the key with its hash in front')
    .option('--json', 'print one JSON array of {key, hash}, with --prefix also {prefixed}')
    .addHelpText('after', HELP)
    .action((keys: string[], flags: HashFlags, command: Command) => {
      const text = flags.json === true ? jsonOf(keys, flags) : linesOf(keys, flags);
      command.configureOutput().writeOut?.(text);
    });
}

function linesOf(keys: readonly string[], flags: HashFlags): string {
  const lines = keys.map((key) => (flags.prefix === true ? prefixed(key) : hashOf(key)));
  return `${lines.join('\n')}\n`;
}

function jsonOf(keys: readonly string[], flags: HashFlags): string {
  const rows = keys.map((key) => {
    const row = { key, hash: hashOf(key) };
    return flags.prefix === true ? { ...row, prefixed: prefixed(key) } : row;
  });
  return `${JSON.stringify(rows)}\n`;
}

function hashOf(key: string): string {
  return hashHex(Buffer.from(key));
}

function prefixed(key: string): string {
  return prefixWithHash(Buffer.from(key)).toString();
}
