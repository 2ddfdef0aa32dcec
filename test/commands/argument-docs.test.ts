/**
 * COMMAND DOCS against the parsers, both ways: what is told is taken, and what is taken is told.
 *
 * Calls are made from the arguments of the docs: the plainest one, and others that differ from it in one
 * option or alternative. None may be a syntax error. Then a word that means nothing is put at each place of
 * them: the words that the parser compares it with are those it would take there.
 */
import t from 'tap';
import type { CommandRow } from '../../lib/commands/command.js';
import { metadata } from '../../lib/commands/metadata.js';
import type { ArgumentDocs, CommandMetadata } from '../../lib/commands/metadata-types.js';
import { commandRows } from '../../lib/commands/table.js';
import { Args } from '../../resp/args.js';
import { LocalNode, type Plain } from '../support/local.js';

const NONSENSE = 'zzz';
const VALUES: Readonly<Record<string, string>> = {
  key: 'k',
  integer: '1',
  double: '1',
  'unix-time': '9999999999999',
  pattern: '*',
};
/** What ends the process, or stands still for good. */
const SKIPPED = new Set(['shutdown', 'debug', 'peer']);

/** What keys of a group hold, so that a command goes beyond its key. */
const CONTENTS: Readonly<Record<string, readonly string[]>> = {
  bitmap: ['SET', 'k', '1'],
  geo: ['GEOADD', 'k', '1', '1', 'x'],
  hash: ['HSET', 'k', 'x', '1'],
  list: ['RPUSH', 'k', 'x'],
  set: ['SADD', 'k', 'x'],
  'sorted-set': ['ZADD', 'k', '1', 'x'],
  stream: ['XGROUP', 'CREATE', 'k', 'x', '0', 'MKSTREAM'],
  string: ['SET', 'k', '1'],
};
/** Redis tells so of them, and asks for more all the same. */
const NEEDS_MORE: readonly RegExp[] = [
  /^client kill( SKIPME x)?$/,
  /^command getkeys(andflags)?$/,
  /^zrange(store k)? k x x LIMIT/,
];
/** What a parser knows in order to say why it does not take it. */
const KNOWN_TO_REFUSE: Readonly<Record<string, readonly string[]>> = {
  bitfield_ro: ['OVERFLOW', 'SET', 'INCRBY'],
  geosearchstore: ['WITHDIST', 'WITHHASH', 'WITHCOORD'],
  scan: ['NOVALUES'],
  setop_ro: ['STORE'],
  sscan: ['NOVALUES'],
  xread: ['GROUP', 'NOACK'],
  zrangebylex: ['WITHSCORES'],
  zrevrange: ['LIMIT'],
  zrevrangebylex: ['WITHSCORES'],
  zscan: ['NOVALUES'],
};

/** The plainest words of an argument first, then others. */
function variantsOf(argument: ArgumentDocs): string[][] {
  const flags = (argument['flags'] ?? []) as readonly string[];
  const inner = innerVariantsOf(argument);
  return flags.includes('optional') ? [[], ...inner] : inner;
}

function innerVariantsOf({ arguments: parts, token, type }: ArgumentDocs): string[][] {
  const behind = typeof token === 'string' && token !== '' ? [token] : [];
  if (type === 'pure-token') return [[token as string]];
  const nested = (parts ?? []) as readonly ArgumentDocs[];
  const variants =
    type === 'oneof'
      ? nested.flatMap(variantsOf)
      : type === 'block'
        ? callsOf(nested)
        : [[VALUES[type] ?? 'x']];
  return variants.map((words) => [...behind, ...words]);
}

/** Of arguments in a row: the plainest words of all, then with other words of one. */
function callsOf(parts: readonly ArgumentDocs[]): string[][] {
  const variants = parts.map(variantsOf);
  const calls = [variants.flatMap(([plainest]) => plainest ?? [])];
  for (const [at, all] of variants.entries()) {
    for (const other of all.slice(1)) {
      calls.push(variants.flatMap((each, i) => (i === at ? other : (each[0] ?? []))));
    }
  }
  return calls;
}

function tokensOf(parts: readonly ArgumentDocs[]): string[] {
  return parts.flatMap(({ token, arguments: nested }) => [
    ...(typeof token === 'string' ? [token.toUpperCase()] : []),
    ...tokensOf((nested ?? []) as readonly ArgumentDocs[]),
  ]);
}

interface Asked {
  readonly name: string;
  readonly words: readonly string[];
  readonly parts: readonly ArgumentDocs[];
  readonly contents: readonly string[] | undefined;
}

/** Commands and subcommands with the arguments that are told of them. */
function* allAsked(
  rows: readonly CommandRow[],
  about: Readonly<Record<string, CommandMetadata>>,
  before: readonly string[] = [],
): Generator<Asked> {
  for (const row of rows) {
    const name = [...before, row.name].join('|');
    if (SKIPPED.has(name) || about[name] === undefined) continue;
    const { docs, subcommands } = about[name];
    const words = [...before, row.name];
    if (row.subcommands !== undefined) yield* allAsked(row.subcommands, subcommands ?? {}, words);
    else {
      const parts = (docs['arguments'] ?? []) as readonly ArgumentDocs[];
      yield { name, words, parts, contents: CONTENTS[docs['group'] as string] };
    }
  }
}

/** Runs a call on a connection of its own; its first reply, if there is one at once. */
function run(
  local: LocalNode,
  contents: Asked['contents'],
  words: readonly string[],
): Plain | undefined {
  const client = local.client();
  client.send('FLUSHALL');
  if (contents !== undefined) client.send(...contents);
  client.post(...words);
  local.world.turn();
  const [reply] = client.received();
  client.link.destroy();
  return reply;
}

t.test('what is told of is taken', async (t) => {
  const local = await new LocalNode().start();
  const wrong: string[] = [];
  for (const { contents, name, parts, words } of allAsked(commandRows, metadata)) {
    for (const call of callsOf(parts)) {
      const line = [...words, ...call].join(' ');
      const reply = run(local, contents, [...words, ...call]);
      const isRefused = typeof reply === 'string' && /syntax error|wrong number/i.test(reply);
      if (isRefused && !NEEDS_MORE.some((each) => each.test(line))) {
        wrong.push(`${name}: ${line}: ${reply}`);
      }
    }
  }
  t.same(wrong, []);
});

t.test('what is taken is told of', async (t) => {
  const local = await new LocalNode().start();
  const { equalsIgnoreCase } = Args.prototype;
  let compared = new Set<string>();
  Args.prototype.equalsIgnoreCase = function (i, upper) {
    if (this.length(i) === NONSENSE.length && this.string(i) === NONSENSE) compared.add(upper);
    return equalsIgnoreCase.call(this, i, upper);
  };
  t.teardown(() => {
    Args.prototype.equalsIgnoreCase = equalsIgnoreCase;
  });
  const untold: string[] = [];
  for (const { contents, name, parts, words } of allAsked(commandRows, metadata)) {
    compared = new Set();
    for (const call of callsOf(parts)) {
      for (let at = 0; at <= call.length; at += 1) {
        const before = [...words, ...call.slice(0, at), NONSENSE];
        run(local, contents, [...before, ...call.slice(at)]);
        run(local, contents, [...before, ...call.slice(at + 1)]);
      }
    }
    const told = new Set([...tokensOf(parts), ...(KNOWN_TO_REFUSE[name] ?? [])]);
    const more = [...compared].filter((word) => !told.has(word));
    if (more.length > 0) untold.push(`${name}: ${more.join(' ')}`);
  }
  t.same(untold, []);
});
