/**
 * Whether two servers said the same. Replies are compared exactly, down to their types on the
 * wire, except where the answer depends on chance, time or the process: there a rule says what
 * must agree all the same. A difference that is meant is not a rule's business: it stands in
 * differences.ts.
 */
import { loadOf } from '../rdb/dumps.js';
import { type Reply, show } from '../support/reply.js';
import { isExactTime } from './makers.js';
import type { Program, Step } from './program.js';
import type { Outcome } from './target.js';

/** Redis's reply first, dhash's second. */
type Rule = (expected: Reply, actual: Reply, args: readonly string[]) => boolean;

export interface Mismatch {
  /** The step's index; that of the last step plus one for the final contents. */
  readonly step: number;
  readonly args: readonly Buffer[];
  readonly expected: string;
  readonly actual: string;
}

/** The two run at the same time on the same clock, but not in the same instant. */
const nearMs = 2500;
const nearSeconds = 3;
/** Longest string in a dump. */
const dumpBytesMax = 1 << 24;

export function findMismatch(
  program: Program,
  expected: readonly Outcome[],
  actual: readonly Outcome[],
  accept: (mismatch: Mismatch) => boolean,
): Mismatch | null {
  const queued: [Buffer[][], Buffer[][]] = [[], []];
  for (const [index, step] of program.steps.entries()) {
    const [a, b] = [expected[index]!, actual[index]!];
    const queue = queued[step.connection];
    const mismatches = outcomeMismatches(index, a, b, step, queue);
    track(queue, step, a);
    for (const mismatch of mismatches) if (!accept(mismatch)) return mismatch;
    // One of the two refuses the whole transaction: what follows tells nothing.
    if (mismatches.length > 0 && isQueued(a) !== isQueued(b)) return null;
  }
  for (const difference of contentDifferences(expected.at(-1)!, actual.at(-1)!)) {
    const mismatch = { step: program.steps.length, ...difference };
    if (!accept(mismatch)) return mismatch;
  }
  return null;
}

export function showOutcome(outcome: Outcome): string {
  const shown = outcome.replies.map(show);
  if (outcome.end !== 'replied') shown.push(`(${outcome.end})`);
  return shown.join(' ');
}

function argumentsOf(step: Step): readonly Buffer[] {
  if (step.kind === 'scan') return [Buffer.from('SCAN'), ...step.args];
  return step.kind === 'command' ? step.args : wordsOf(step.args);
}

/** The arguments of a request, which may have been written as a line. */
function wordsOf(args: readonly Buffer[]): readonly Buffer[] {
  return args.length === 1 && args[0]!.includes('\n') ? splitLine(args[0]!) : args;
}

function isQueued({ replies: [first] }: Outcome): boolean {
  return first?.mark === '+' && first.bytes?.toString() === 'QUEUED';
}

/** Remembers what is queued, so that each reply in EXEC's is compared by its command's rule. */
function track(queue: Buffer[][], step: Step, outcome: Outcome): void {
  if (isQueued(outcome)) {
    queue.push([...step.args]);
  } else if (outcome.end !== 'replied' || /^(exec|discard|reset)$/.test(nameOf(step.args))) {
    queue.length = 0;
  }
}

/** What differs in one step: more than one thing only if it is EXEC, whose replies are several. */
function outcomeMismatches(
  index: number,
  a: Outcome,
  b: Outcome,
  step: Step,
  queue: readonly Buffer[][],
): Mismatch[] {
  const [transaction, other] = [a.replies[0]?.items, b.replies[0]?.items];
  const isExec = queue.length > 0 && transaction?.length === queue.length;
  if (isExec && other?.length === queue.length && a.end === b.end) {
    const pairs = queue.map((args, i) => ({ args, x: transaction[i]!, y: other[i]! }));
    const unlike = pairs.filter(({ args, x, y }) => !sameReply(x, y, wordsOf(args)));
    return unlike.map(({ args, x, y }) => {
      return { step: index, args: wordsOf(args), expected: show(x), actual: show(y) };
    });
  }
  if (sameOutcome(a, b, step)) return [];
  const args = argumentsOf(step);
  return [{ step: index, args, expected: showOutcome(a), actual: showOutcome(b) }];
}

function sameOutcome(a: Outcome, b: Outcome, step: Step): boolean {
  if (a.end !== b.end || a.replies.length !== b.replies.length) return false;
  if (step.kind !== 'command' && step.kind !== 'inline') return exactList(a.replies, b.replies);
  const args = argumentsOf(step);
  return a.replies.every((reply, i) => sameReply(reply, b.replies[i]!, args));
}

/** Enough of a line for choosing the rule. */
function splitLine(line: Buffer): Buffer[] {
  const words = line.toString('latin1').trim().split(/\s+/);
  return words.map((word) => Buffer.from(word.replace(/^["']|["']$/g, ''), 'latin1'));
}

function sameReply(a: Reply, b: Reply, args: readonly Buffer[]): boolean {
  if (show(a) === show(b)) return true;
  if (isError(a) || isError(b)) return false;
  const words = args.map((arg) => arg.toString('latin1').toLowerCase());
  const rule = rules[`${words[0]}|${words[1]}`] ?? rules[words[0] ?? ''];
  return rule?.(a, b, words) ?? false;
}

/** What the final contents tell of a key, in this order. */
const contentFields = ['value', 'encoding', 'expiry', 'dump', 'scores', 'digest'];

/** Keys that only one has, and fields that differ; only an expiry may be merely near. */
function* contentDifferences(a: Outcome, b: Outcome): Generator<Omit<Mismatch, 'step'>> {
  const [ours, theirs] = [entriesByKey(a), entriesByKey(b)];
  for (const name of new Set([...ours.keys(), ...theirs.keys()])) {
    const [fields, others] = [ours.get(name), theirs.get(name)];
    const args = (what: string): Buffer[] =>
      ['(contents)', what, name].map((text) => Buffer.from(text));
    if (fields === undefined || others === undefined) {
      const [expected, actual] = [fields, others].map((has) => (has ? 'has it' : 'has it not'));
      yield { args: args('key'), expected: expected!, actual: actual! };
      continue;
    }
    for (const [at, field] of contentFields.entries()) {
      const [x, y] = [fields[at]!, others[at]!];
      if (show(x) === show(y) || nearTime(nearMs)(x, y, [])) continue;
      // The digest tells -0 from 0, and so does the field before it, where it can be seen.
      if (field === 'digest' && show(fields[at - 1]!).includes('"-0"')) continue;
      if (field === 'dump' && sameElementsOfDump(x, y, [])) continue;
      yield { args: args(field), expected: show(x), actual: show(y) };
    }
  }
}

/** Database and key, both shown, to the fields of the entry. */
function entriesByKey(outcome: Outcome): Map<string, Reply[]> {
  const entries = outcome.replies.map((reply) => {
    const [database, key, ...fields] = reply.items!;
    return [`${show(database!)} ${show(key!)}`, fields] as const;
  });
  return new Map(entries);
}

function nameOf(args: readonly Buffer[]): string {
  return args[0]?.toString('latin1').trim().toLowerCase() ?? '';
}

function isError(reply: Reply): boolean {
  return reply.mark === '-' || reply.mark === '!';
}

function exactList(a: readonly Reply[], b: readonly Reply[]): boolean {
  return a.map(show).join(' ') === b.map(show).join(' ');
}

const sameKind: Rule = (a, b) => a.mark === b.mark && (a.bytes === null) === (b.bytes === null);

/** Of a collection: the same type's byte, and the same elements in any order. */
const sameElementsOfDump: Rule = (a, b) => {
  if (a.mark !== '$' || b.mark !== '$' || a.bytes === null || b.bytes === null) return false;
  const [x, y] = [loadOf(a.bytes, dumpBytesMax), loadOf(b.bytes, dumpBytesMax)];
  const isWhole = x.fault === undefined && y.fault === undefined;
  const sameElements = x.elements.sort().join() === y.elements.sort().join();
  return isWhole && a.bytes[0] !== 0 && a.bytes[0] === b.bytes[0] && sameElements;
};

const anyOrder: Rule = (a, b) => a.mark === b.mark && sorted(a) === sorted(b);

const anyOrderOfPairs: Rule = (a, b) =>
  a.mark === b.mark && pairs(a).sort().join() === pairs(b).sort().join();

/** A subset of what Redis has: dhash lists the commands that it has. */
const noneTooMany: Rule = (a, b) => {
  const known = new Set((a.items ?? []).map(show));
  const own =
    /^\$"([khs](range|count|rank|revrank|nth|next|prev|delrange)|h(mirror|v\w+)|hp?(expire(at|time)?|ttl)|hpersist|setop(_ro)?|at|consistency|peer|dhash.*|client\|(setinfo|no-touch)|waitaof)"$/;
  const strange = (b.items ?? []).map(show).filter((text) => !known.has(text) && !own.test(text));
  return a.mark === b.mark && strange.length === 0;
};

function near(distance: number): Rule {
  return (a, b) => {
    if (a.mark !== ':' || b.mark !== ':') return false;
    const [x, y] = [Number(a.bytes), Number(b.bytes)];
    return x >= 0 && y >= 0 && Math.abs(x - y) <= distance;
  };
}

/** A time from the clock; one that was given is exact. */
function nearTime(distance: number): Rule {
  return (a, b, args) => !isExactTime(Number(a.bytes)) && near(distance)(a, b, args);
}

/** Field names of 7.2 and 7.4, which a 7.0 server lacks. */
const laterClientFields = new Set(['watch', 'lib-name', 'lib-ver']);
const steadyClientFields = new Set(
  ['name', 'flags', 'db', 'sub', 'psub', 'ssub', 'multi', 'redir', 'user', 'resp'].concat('cmd'),
);

/** Names and values of an entry's first five fields; what follows are times and the client. */
const LOG_ITEMS = 10;

const aclLog: Rule = (a, b) => {
  if (a.mark !== b.mark || a.items === null || a.items.length !== b.items?.length) return false;
  const first = (entry: Reply): string =>
    entry.mark + (entry.items ?? []).slice(0, LOG_ITEMS).map(show).join(' ');
  return a.items.every((entry, i) => first(entry) === first(b.items![i]!));
};

const clientLine: Rule = (a, b) => clientFields(a) === clientFields(b);

function clientFields(reply: Reply): string {
  const fields = (reply.bytes?.toString('latin1') ?? '')
    .trim()
    .split(' ')
    .map((pair) => pair.split('='));
  const kept = fields.filter(([name]) => !laterClientFields.has(name ?? ''));
  return kept
    .map(([name, v]) => `${name}=${steadyClientFields.has(name ?? '') ? v : '?'}`)
    .join(' ');
}

const helloFields: Rule = (a, b) => {
  const hide = (reply: Reply): string => {
    const items = (reply.items ?? []).map(show);
    const shown = items.map((item, i) => {
      const hidden = items[i - 1] === '$"version"' || items[i - 1] === '$"id"';
      return i % 2 === 1 && hidden ? '?' : item;
    });
    return shown.join(' ');
  };
  return a.mark === b.mark && hide(a) === hide(b);
};

/** A page of SCAN: only one that is complete can be compared. */
const scanPage: Rule = (a, b) => {
  const [aCursor, aPage] = a.items ?? [];
  const [bCursor, bPage] = b.items ?? [];
  if (aPage === undefined || bPage === undefined || a.items?.length !== b.items?.length)
    return false;
  const complete = aCursor?.bytes?.toString() === '0' && bCursor?.bytes?.toString() === '0';
  return aPage.mark === bPage.mark && (!complete || sorted(aPage) === sorted(bPage));
};

const debugObject: Rule = (a, b) => {
  const hide = (reply: Reply): string =>
    show(reply).replace(/(at|lru|lru_seconds_idle):[0-9a-fx]+/g, '$1:?');
  return hide(a) === hide(b);
};

/** Commands may have fewer subcommands here; what both tell of one must be the same. */
const commandInfo: Rule = (a, b, args) => {
  if (args.length === 2) return slots(a, b, args);
  if (a.mark !== b.mark || a.items?.length !== b.items?.length) return false;
  return a.items!.every((item, i) => sameInfo(item, b.items![i]!));
};

function sameInfo(a: Reply, b: Reply): boolean {
  if (a.items?.length !== 10 || b.items?.length !== 10) return show(a) === show(b);
  const own = (reply: Reply): string => reply.items!.slice(0, 9).map(deepSorted).join(' ');
  const known = new Map(a.items[9]!.items?.map((sub) => [show(sub.items![0]!), sub]) ?? []);
  const subs = b.items[9]!.items ?? [];
  const alike = subs.every((sub) => {
    const other = known.get(show(sub.items![0]!));
    return other === undefined || sameInfo(other, sub);
  });
  return own(a) === own(b) && a.items[9]!.mark === b.items[9]!.mark && alike;
}

const commandDocs: Rule = (a, b, args) => {
  if (args.length === 2) return slots(a, b, args);
  if (a.mark !== b.mark || a.items?.length !== b.items?.length) return false;
  return docsOf(a) === docsOf(b);
};

/** All but the subcommands, which are compared where they are asked for by name. */
function docsOf(reply: Reply): string {
  const lines: string[] = [];
  const items = reply.items ?? [];
  for (let i = 0; i + 1 < items.length; i += 2) {
    const fields = items[i + 1]!.items ?? [];
    const kept = fields.filter((_, at) => show(fields[at - (at % 2)]!) !== '$"subcommands"');
    lines.push(`${show(items[i]!)} ${items[i + 1]!.mark} ${kept.map(deepSorted).join(' ')}`);
  }
  return lines.sort().join('\n');
}

const info: Rule = (a, b, args) => {
  if (args.length !== 2 || args[1] !== 'keyspace') return sameKind(a, b, args);
  const hide = (reply: Reply): string => show(reply).replace(/avg_ttl=\d+/g, 'avg_ttl=?');
  return hide(a) === hide(b);
};

const slots: Rule = (a, b) => a.mark === b.mark;

/** A page of HSCAN, with its items in twos. */
const scanPageOfPairs: Rule = (a, b) => {
  const [aPage, bPage] = [a.items?.[1], b.items?.[1]];
  if (aPage === undefined || bPage === undefined) return false;
  const complete = [a, b].every((reply) => reply.items?.[0]?.bytes?.toString() === '0');
  return aPage.mark === bPage.mark && (!complete || anyOrderOfPairs(aPage, bPage, []));
};

/** Elements by chance: as many, of the same kind; all of them if that is how many there are. */
const randomItems: Rule = (a, b) =>
  a.mark === b.mark &&
  (a.items ?? []).length === (b.items ?? []).length &&
  (a.items ?? []).every((item, i) => item.mark === b.items![i]!.mark);

/**
 * Texts that are equal, and sets that are not sorted, come in the order of a hash table in Redis;
 * with LIMIT these may be others. A list has an order.
 */
const sortedItems: Rule = (a, b, args) => {
  const mayTie = args.includes('alpha') || args.includes('by');
  return mayTie && args[1] !== 'queue' && randomItems(a, b, args);
};

/** Fields of consumers that Redis 7.0 has not. */
const ACTIVE = /^\$"(inactive|active-time)"$/;

function withoutActive(reply: Reply): Reply {
  const { items } = reply;
  if (items === null) return reply;
  const at = items.findIndex((item) => ACTIVE.test(show(item)));
  return at < 0 ? reply : { ...reply, items: [...items.slice(0, at), ...items.slice(at + 2)] };
}

/** What XINFO and XPENDING tell: times are near, and nodes are each server's own business. */
const streamTimes: Rule = (a, told) => {
  const b = withoutActive(told);
  if (a.items === null || b.items === null) {
    return show(a) === show(b) || near(nearMs)(a, b, []);
  }
  if (a.mark !== b.mark || a.items.length !== b.items.length) return false;
  // Of [id, (consumer,) time, deliveries] only the time may differ.
  return a.items.every((item, i) => {
    const other = b.items![i]!;
    if (show(item) === show(other)) return true;
    const name = i === 0 ? '' : show(a.items![i - 1]!);
    if (/radix-tree-(keys|nodes)/.test(name)) return item.mark === other.mark;
    if (item.items !== null) return streamTimes(item, other, []);
    const isDelivery = i === a.items!.length - 2 && a.items!.length <= 4;
    return (isDelivery || /idle|seen-time/.test(name)) && near(nearMs)(item, other, []);
  });
};

const rules: Record<string, Rule> = {
  keys: anyOrder,
  dump: sameElementsOfDump,
  randomkey: sameKind,
  hgetall: anyOrderOfPairs,
  hkeys: anyOrder,
  hvals: anyOrder,
  hscan: scanPageOfPairs,
  hrandfield: randomItems,
  smembers: anyOrder,
  sinter: anyOrder,
  sunion: anyOrder,
  sdiff: anyOrder,
  spop: anyOrder,
  srandmember: randomItems,
  sscan: scanPage,
  zscan: scanPageOfPairs,
  zrandmember: randomItems,
  ttl: near(nearSeconds),
  pttl: near(nearMs),
  expiretime: nearTime(nearSeconds),
  pexpiretime: nearTime(nearMs),
  scan: scanPage,
  sort: sortedItems,
  sort_ro: sortedItems,
  'config|get': anyOrderOfPairs,
  'command|list': noneTooMany,
  'command|count': sameKind,
  'command|info': commandInfo,
  'command|docs': commandDocs,
  command: slots,
  'acl|cat': noneTooMany,
  'acl|log': aclLog,
  'object|idletime': near(nearSeconds),
  'object|freq': near(255),
  xpending: streamTimes,
  'xinfo|stream': streamTimes,
  'xinfo|consumers': streamTimes,
  'debug|object': debugObject,
  time: slots,
  lastsave: sameKind,
  lolwut: sameKind,
  info,
  'client|id': sameKind,
  'client|info': clientLine,
  'client|list': sameKind,
  'memory|usage': sameKind,
  'memory|stats': slots,
  'memory|doctor': sameKind,
  'memory|malloc-stats': sameKind,
  'latency|doctor': sameKind,
  'latency|histogram': slots,
  'latency|latest': slots,
  'slowlog|get': slots,
  'slowlog|len': sameKind,
  hello: helloFields,
};

function sorted(reply: Reply): string {
  return (reply.items ?? []).map(show).sort().join(' ');
}

function pairs(reply: Reply): string[] {
  const items = reply.items ?? [];
  const result: string[] = [];
  for (let i = 0; i < items.length; i += 2) {
    result.push(`${show(items[i]!)} ${items[i + 1] === undefined ? '' : show(items[i + 1]!)}`);
  }
  return result;
}

/** Sets travel in any order, and as arrays in RESP2. */
function deepSorted(reply: Reply): string {
  if (reply.items === null) return show(reply);
  return `${reply.mark}[${reply.items.map(deepSorted).sort().join(' ')}]`;
}
