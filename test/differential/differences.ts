/**
 * Where dhash means to differ from Redis 7.0, and why. docs/compatibility.md has a row for each,
 * which a test checks; what is not here is a bug.
 */
import type { Mismatch } from './compare.js';

export interface Difference {
  readonly id: string;
  /** Whose rows on that page name it. */
  readonly commands: readonly string[];
  /** What differs, as docs/compatibility.md says it. */
  readonly what: string;
  readonly why: string;
  /** Whether a mismatch is this difference. `args` are lower case. */
  readonly covers: (args: readonly string[], mismatch: Mismatch) => boolean;
}

/** The last millisecond that a double holds exactly, which is where dhash's times end. */
const timeMsMax = Number.MAX_SAFE_INTEGER;

export const differences: readonly Difference[] = [
  {
    id: 'help-texts',
    commands: [
      'acl',
      'client',
      'command',
      'config',
      'debug',
      'latency',
      'memory',
      'module',
      'object',
      'slowlog',
    ],
    what: 'The HELP subcommands name the subcommands that dhash has, and those of Redis 7.2.',
    why: 'A help text should not name what is not there.',
    covers: (args) => args[1] === 'help',
  },
  {
    id: 'far-expiry',
    commands: [
      'set',
      'getex',
      'setex',
      'psetex',
      'expire',
      'pexpire',
      'expireat',
      'pexpireat',
      'restore',
      'ttl',
      'pttl',
      'expiretime',
      'pexpiretime',
    ],
    what: 'An expiry after the year 287,396 is kept as the last millisecond of that time.',
    why: 'Times are exact JavaScript numbers, which end at 2^53 - 1 ms.',
    covers: (args, mismatch) => {
      const isTime = /^(expiretime|pexpiretime|ttl|pttl)$/.test(args[0] ?? '');
      if ((isTime || args[1] === 'expiry') && isFarTime(mismatch)) return true;
      // Two times that are both kept as the last millisecond: neither is the greater.
      const isGreater = /^p?expire(at)?$/.test(args[0] ?? '') && args.includes('gt');
      return isGreater && Number(args[2]) > timeMsMax / 1000 && mismatch.actual === ':"0"';
    },
  },
  {
    id: 'expired-not-counted',
    commands: ['dbsize', 'info', 'debug', 'memory', 'hlen'],
    what: 'DBSIZE, INFO keyspace, MEMORY USAGE and DEBUG DIGEST never see a key whose time has passed, nor HLEN such a field.',
    why: 'Redis counts it until it comes across it; here counts, ranks and indexes are exact.',
    covers: (args, mismatch) => {
      if (args[0] === 'info') return args[1] === 'keyspace';
      if (args[0] === 'debug') return args[1]?.startsWith('digest') === true;
      if (args[1] === 'usage') return mismatch.expected.startsWith(':');
      return args[0] === 'dbsize' && integerOf(mismatch.expected) > integerOf(mismatch.actual);
    },
  },
  {
    id: 'shared-refcount',
    commands: ['object', 'debug'],
    what: 'OBJECT REFCOUNT and DEBUG OBJECT give 2147483647 for small integers, 1 for all else.',
    why: 'Redis does too, but 1 for an integer made by COPY, and more for a queued argument.',
    covers: (args, { expected, actual }) => {
      if (args[0] === 'debug') return args[1] === 'object' && expected.includes('refcount:');
      const isCopied = expected === ':"1"' && actual === ':"2147483647"';
      const isQueued = expected === ':"2"' && actual === ':"1"';
      return args[1] === 'refcount' && (isCopied || isQueued);
    },
  },
  {
    id: 'shared-idle-time',
    commands: ['object'],
    what: 'OBJECT IDLETIME of a small integer is that of its key.',
    why: 'In Redis all keys with the same small integer share one object, and its age.',
    covers: (args, { expected, actual }) =>
      args[1] === 'idletime' && integerOf(expected) > integerOf(actual),
  },
  {
    id: 'scan-cursors',
    commands: ['scan', 'hscan', 'sscan', 'zscan'],
    what: 'SCAN and its kin take 0 and the cursors that they have given, as long as these are kept.',
    why: 'A cursor names a place in the order of keys; one without a place is told, not guessed.',
    covers: (args, { actual }) => {
      const cursor =
        args[0] === 'scan' ? args[1] : /^[hsz]scan$/.test(args[0] ?? '') ? args[2] : '';
      return /^-?\d+$/.test(cursor ?? '') && / cursor/.test(actual);
    },
  },
  {
    id: 'long-keys',
    commands: [],
    what: 'Keys, fields and members have at most 65,536 bytes; longer ones are refused. A field above 65,528 bytes takes no expiry.',
    why: 'A key lies whole in one record of the tree, and records have a largest size.',
    covers: (_args, { actual }) => /(key|field or member) is too long/.test(actual),
  },
  {
    id: 'nul-in-a-name',
    commands: [],
    what: 'The name of a command is compared whole: `GET` and a NUL byte is an unknown command.',
    why: 'Redis compares up to the NUL, if by chance the hash of the whole leads to the right place.',
    covers: (args, { actual }) =>
      args[0]?.includes('\0') === true && actual.startsWith('-"ERR unknown command'),
  },
  {
    id: 'client-info-in-transaction',
    commands: ['client'],
    what: 'CLIENT INFO and CLIENT LIST inside MULTI tell of the connection as EXEC finds it.',
    why: 'The queue has been taken out when its first command runs.',
    covers: (args, mismatch) =>
      args[0] === 'client' && args[1] === 'info' && / flags=x/.test(mismatch.expected),
  },
  {
    id: 'list-encoding',
    commands: ['object', 'debug'],
    what: 'OBJECT ENCODING and DEBUG OBJECT call a small list a listpack, by what it holds and the limit at its last write.',
    why: 'So does Redis 7.2, which goes by the limit when a list is written, and back once it has shrunk to half; 7.0 calls every list a quicklist.',
    covers: (args, { expected, actual }) =>
      /^(object|debug|\(contents\))$/.test(args[0] ?? '') &&
      /quicklist/.test(expected) &&
      /listpack/.test(actual),
  },
  {
    id: 'dump-checks',
    commands: ['restore'],
    what: 'RESTORE checks a payload to its last byte: an element twice, or more than a value, is refused.',
    why: 'Redis looks that closely with `sanitize-dump-payload yes` only.',
    // The grammar makes no such payload: whatever the test meets is a mistake.
    covers: () => false,
  },
  {
    id: 'set-listpack',
    commands: ['object', 'debug'],
    what: 'A small set that is not all integers has the encoding `listpack`.',
    why: 'So it is in Redis 7.2.',
    covers: (args, { expected, actual }) => {
      const isEncoding = args[1] === 'encoding' || (args[0] === 'debug' && args[1] === 'object');
      return isEncoding && /hashtable/.test(expected) && /listpack/.test(actual);
    },
  },
  {
    id: 'negative-zero',
    commands: ['zadd', 'zincrby', 'zscore', 'zmscore', 'zrange'],
    what: 'A score of -0 is kept, and told, as 0.',
    why: 'They are the same score. Redis forgets the sign as well, in small sorted sets.',
    covers: (args, { expected, actual }) => {
      const isOf = args[0]?.startsWith('z') === true || args[1] === 'scores';
      return isOf && expected.replaceAll('"-0"', '"0"') === actual;
    },
  },
  {
    id: 'corrupt-hyperloglog',
    commands: ['pfadd', 'pfmerge'],
    what: 'PFADD of several elements to a HyperLogLog that proves corrupt on the way adds none.',
    why: 'What is refused changes nothing. Redis keeps the elements before the one that failed.',
    covers: (args, { expected }) =>
      args[0]?.startsWith('pf') === true && expected.includes('INVALIDOBJ'),
  },
  {
    id: 'endless-timeout',
    commands: [
      'blpop',
      'brpop',
      'blmove',
      'blmpop',
      'brpoplpush',
      'bzpopmin',
      'bzpopmax',
      'bzmpop',
    ],
    what: 'A timeout beyond 2^63 milliseconds is told to be out of range.',
    why: 'So does Redis 7.2; in 7.0 the number overflows, and is told to be negative.',
    covers: (_args, { expected, actual }) =>
      expected.includes('timeout is negative') && actual.includes('timeout is out of range'),
  },
  {
    id: 'sort-after-overflow',
    commands: ['sort', 'sort_ro'],
    what: 'SORT takes numbers for numbers, whatever another command has read before.',
    why: 'Redis 7.0 refuses all of them after a command has met a number that is out of range: it does not clear errno.',
    // The grammar clears it: whatever the test meets is a mistake.
    covers: () => false,
  },
  {
    id: 'zrank-withscore',
    commands: ['zrank', 'zrevrank'],
    what: 'ZRANK and ZREVRANK take WITHSCORE.',
    why: 'So they do in Redis 7.2.',
    covers: (args, { expected }) => {
      const isRank = (arg: string | undefined): boolean => /^z(rev)?rank$/.test(arg ?? '');
      if (args[0] === 'command') return args.slice(2).some(isRank);
      return isRank(args[0]) && args.length > 3 && expected.includes('wrong number of arguments');
    },
  },
  {
    id: 'later-arguments',
    commands: ['command'],
    what: 'COMMAND DOCS tells the operations of BITOP by name, and NOVALUES of HSCAN.',
    why: 'So it does in Redis 7.2, and 7.4.',
    covers: (args) =>
      args[1] === 'docs' && args.slice(2).some((arg) => /^(bitop|hscan)$/.test(arg)),
  },
  {
    id: 'bits-of-nothing',
    commands: ['bitcount', 'bitpos'],
    what: 'BITCOUNT and BITPOS look at their range first, also of a key that is not there, or no string.',
    why: 'So they do in Redis 7.2.',
    covers: (args, { actual }) =>
      /^bit(count|pos)$/.test(args[0] ?? '') && /syntax error|not an integer/.test(actual),
  },
  {
    id: 'lpos-rank',
    commands: ['lpos'],
    what: 'LPOS refuses a RANK of -2^63.',
    why: 'So does Redis 7.2; in 7.0 turning its sign overflows, and it stands for the first match.',
    covers: (args, { actual }) =>
      args[0] === 'lpos' && actual.includes('value must between -9223372036854775807 and'),
  },
  {
    id: 'invalidation-null',
    commands: ['client'],
    what: 'The null of an invalidation after FLUSHALL is that of the protocol which its receiver speaks.',
    why: 'Redis takes that of the client that caches, which a receiver by REDIRECT need not speak.',
    // The test of several connections takes both for one.
    covers: () => false,
  },
  {
    id: 'pushes-between-replies',
    commands: [],
    what: 'A push never comes inside of an array reply: what a command causes follows its reply.',
    why: 'In Redis 7.0 an invalidation can stand between two values of MGET, where no client looks for it.',
    covers: () => false,
  },
  {
    id: 'watch-expired',
    commands: ['watch'],
    what: 'WATCH removes a key whose time has passed at once, and tells of it.',
    why: 'What is watched is then what is there; Redis remembers that the key had expired instead.',
    covers: () => false,
  },
  {
    id: 'limits-of-scripts',
    commands: [
      'eval',
      'evalsha',
      'eval_ro',
      'evalsha_ro',
      'fcall',
      'fcall_ro',
      'function',
      'script',
    ],
    what: 'Scripts have limits of memory, code, reply and time in one call; no SCRIPT DEBUG. See [scripts.md](scripts.md).',
    why: 'A script must neither fill the node nor hold its event loop. The tests of scripts compare them.',
    covers: () => false,
  },
  {
    id: 'stream-nodes',
    commands: ['xadd', 'xtrim', 'xinfo'],
    what: '`~` trims whole groups of `stream-node-max-entries` entries, counted from the first ever added; the radix tree of XINFO has a key and a node for each element.',
    why: 'Redis trims whole nodes, which are also full at `stream-node-max-bytes`; here entries lie one by one.',
    // The grammar trims so that both do the same; what XINFO tells of nodes has a rule.
    covers: () => false,
  },
  {
    id: 'stream-consumers',
    commands: ['xreadgroup', 'xclaim', 'xautoclaim', 'xinfo'],
    what: 'As in Redis 7.2: what finds nothing makes a consumer, too; XINFO tells when it was active; who has waited is told what the command would tell then. That a consumer was seen which got nothing is written down once a minute: after a restart, or at another owner of the key, it may be told to be idle for so much longer.',
    why: 'To look in vain is no write: it costs no entry on disk or for replicas. A dump, of Redis 7.0, does not say when a consumer was active: then when it was seen, as Redis does.',
    // The programs make consumers first; a rule passes over the new fields.
    covers: () => false,
  },
  {
    id: 'xread',
    commands: ['xread', 'xreadgroup'],
    what: 'XREAD takes `+`, the last entry, as in Redis 7.4, and XREADGROUP says that it does not; unbalanced lists are told as in 7.2.',
    why: 'Redis 7.0 takes `+` for a wrong ID, and calls both commands XREAD.',
    covers: (args, { actual, expected }) =>
      /^xread(group)?$/.test(args[0] ?? '') &&
      (/Unbalanced/.test(actual) ? /Unbalanced/.test(expected) : args.includes('+')),
  },
  {
    id: 'stream-names',
    commands: ['xgroup', 'xreadgroup', 'xclaim', 'xautoclaim'],
    what: 'Names of groups and consumers have at most 32,000 bytes; longer ones are refused.',
    why: 'Both are part of the key of what is pending.',
    covers: (_args, { actual }) => actual.includes('group or consumer name is too long'),
  },
  {
    id: 'stream-counters',
    commands: ['xsetid', 'xgroup', 'xclaim'],
    what: 'ENTRIESADDED, ENTRIESREAD and RETRYCOUNT end at 2^53 - 1; more is refused.',
    why: 'Counters are exact JavaScript numbers.',
    covers: (args, { actual }) =>
      /^(xsetid|xgroup|xclaim)$/.test(args[0] ?? '') &&
      /not an integer|Invalid RETRYCOUNT/.test(actual) &&
      args.some((arg) => /^-?\d{16,}$/.test(arg)),
  },
  {
    id: 'stream-sequence',
    commands: ['xadd'],
    what: 'XADD of `ms-*` behind the highest sequence says that the ID is too small.',
    why: 'Redis 7.0 means to say so, and says `Elements are too large to be stored`, or what errno holds.',
    covers: (args, { actual }) => args[0] === 'xadd' && actual.includes('equal or smaller'),
  },
  {
    id: 'stream-watch',
    commands: ['watch'],
    what: 'WATCH and CLIENT TRACKING see every write to a stream.',
    why: 'Redis passes over those to its groups (XGROUP, XREADGROUP, XACK, XCLAIM) and XSETID.',
    covers: (args, { expected, actual }) =>
      args[0] === 'exec' && expected.startsWith('*[') && /nil/.test(actual),
  },
  {
    id: 'lolwut',
    commands: ['lolwut'],
    what: 'LOLWUT draws a ring of its own, whatever VERSION says.',
    why: 'It is art.',
    covers: (args) => args[0] === 'lolwut',
  },
  {
    id: 'debug-object-fast',
    commands: ['debug'],
    what: 'DEBUG OBJECT takes a second argument.',
    why: 'Redis 7.2 has DEBUG OBJECT key FAST.',
    covers: (args) => args[0] === 'debug' && args[1] === 'object' && args.length === 4,
  },
  {
    id: 'fixed-settings',
    commands: ['config'],
    what: 'CONFIG SET cannot change port: it is fixed at the start.',
    why: 'A node does not move its door while it serves.',
    covers: (args) => args[0] === 'config' && args[1] === 'set' && args.includes('port'),
  },
  {
    id: 'sleep-in-transaction',
    commands: ['debug'],
    what: 'DEBUG SLEEP is refused inside MULTI.',
    why: 'Here it holds all clients back with a timer, and a transaction runs in one go.',
    covers: (args) => args[0] === 'debug' && args[1] === 'sleep',
  },
  {
    id: 'saves',
    commands: ['save', 'bgsave', 'bgrewriteaof'],
    what: 'Without `--dir` SAVE, BGSAVE and BGREWRITEAOF are errors; SAVE and BGSAVE write no file of their own.',
    why: 'What is written since is on disk anyway; they say when it is synced. `dhash backup` and `dhash export` write files.',
    covers: (args) => ['save', 'bgsave', 'bgrewriteaof'].includes(args[0] ?? ''),
  },
];

export function knownDifference(mismatch: Mismatch): Difference | undefined {
  const args = mismatch.args.map((arg) => arg.toString('latin1').toLowerCase());
  return differences.find((difference) => difference.covers(args, mismatch));
}

function isFarTime({ expected, actual }: Mismatch): boolean {
  const [far, kept] = [integerOf(expected), integerOf(actual)];
  const isKept = (max: number): boolean => far > max && kept <= max && kept > max * 0.99;
  // Seconds are above the last second, and milliseconds above the last millisecond.
  return isKept(timeMsMax) || isKept(Math.ceil(timeMsMax / 1000));
}

/** From `:"12"`. */
function integerOf(shown: string): number {
  return Number(/^:"(-?\d+)"$/.exec(shown)?.[1]);
}
