/**
 * CLUSTER, for tools and client libraries that ask: a ring has no slots, and any member answers for
 * all keys; so the one that is asked says that it has all slots.
 */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { parseMemberAddress } from '../../ring/member-address.js';
import type { Session } from '../../server/session.js';
import { ADMIN, type CommandRow } from '../command.js';
import { helpRow } from '../help.js';
import { refused } from '../refuse.js';
import { unknownSubcommand } from '../replies.js';

const NO_SLOTS =
  'ERR a ring has no slots to manage, not executed: members join by dhash node --join and leave by ' +
  'dhash leave';
const SLOTS_COUNT = 16_384;
const LAST_SLOT = SLOTS_COUNT - 1;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;

const MANAGING: readonly (readonly [name: string, arity: number, flags: number])[] = [
  ['addslots', -3, ADMIN],
  ['addslotsrange', -4, ADMIN],
  ['bumpepoch', 2, ADMIN],
  ['count-failure-reports', 3, ADMIN],
  ['countkeysinslot', 3, 0],
  ['delslots', -3, ADMIN],
  ['delslotsrange', -4, ADMIN],
  ['failover', -2, ADMIN],
  ['flushslots', 2, ADMIN],
  ['forget', 3, ADMIN],
  ['getkeysinslot', 4, 0],
  ['links', 2, 0],
  ['meet', -4, ADMIN],
  ['replicas', 3, ADMIN],
  ['replicate', 3, ADMIN],
  ['reset', -2, ADMIN],
  ['saveconfig', 2, ADMIN],
  ['set-config-epoch', 3, ADMIN],
  ['setslot', -4, ADMIN],
  ['slaves', 3, ADMIN],
];

function info({ server }: Session, _args: Args, reply: ReplyWriter): void {
  const { ring } = server;
  const lines = [
    ['cluster_enabled', 0],
    ['cluster_state', ring?.isReady === true ? 'ok' : 'fail'],
    ['cluster_slots_assigned', SLOTS_COUNT],
    ['cluster_slots_ok', SLOTS_COUNT],
    ['cluster_slots_pfail', 0],
    ['cluster_slots_fail', 0],
    ['cluster_known_nodes', 1],
    ['cluster_size', 1],
    ['cluster_current_epoch', ring?.view?.epoch ?? 0],
    ['cluster_my_epoch', ring?.view?.epoch ?? 0],
  ];
  reply.verbatim('txt', lines.map(([name, value]) => `${name}:${value}\r\n`).join(''));
}

function myId({ server }: Session, _args: Args, reply: ReplyWriter): void {
  reply.bulkString(idOf(server));
}

function keySlot(_session: Session, args: Args, reply: ReplyWriter): void {
  reply.integer(slotOf(args.buf, args.starts[2]!, args.ends[2]!));
}

/** All slots are with the node that is asked, at the address at which it was asked. */
function slots(session: Session, _args: Args, reply: ReplyWriter): void {
  const { host, port } = placeOf(session);
  reply.array(1);
  reply.array(3);
  reply.integer(0);
  reply.integer(LAST_SLOT);
  reply.array(4);
  reply.bulkString(host);
  reply.integer(port);
  reply.bulkString(idOf(session.server));
  reply.emptyArray();
}

function shards(session: Session, _args: Args, reply: ReplyWriter): void {
  const { host, port } = placeOf(session);
  reply.array(1);
  reply.map(2);
  reply.bulkString('slots');
  reply.array(2);
  reply.integer(0);
  reply.integer(LAST_SLOT);
  reply.bulkString('nodes');
  reply.array(1);
  reply.map(7);
  for (const [name, value] of [
    ['id', idOf(session.server)],
    ['port', port],
    ['ip', host],
    ['endpoint', host],
    ['role', 'master'],
    ['replication-offset', 0],
    ['health', 'online'],
  ] as const) {
    reply.bulkString(name);
    if (typeof value === 'number') reply.integer(value);
    else reply.bulkString(value);
  }
}

function nodes(session: Session, _args: Args, reply: ReplyWriter): void {
  const { host, port } = placeOf(session);
  const epoch = session.server.ring?.view?.epoch ?? 0;
  const id = idOf(session.server);
  const line = `${id} ${host}:${port}@${port} myself,master - 0 0 ${epoch} connected 0-${LAST_SLOT}\n`;
  reply.verbatim('txt', line);
}

function idOf({ ring, runId }: Session['server']): string {
  return ring?.selfId ?? runId;
}

/** Where the client has reached this node; by a unix socket: where members do. */
function placeOf({ carrier, server }: Session): { host: string; port: number } {
  const text = carrier.isUnix ? (server.ring?.address ?? '') : carrier.local;
  return parseMemberAddress(text) ?? { host: '127.0.0.1', port: server.settings.port };
}

/** Redis Cluster's slot: CRC-16 (XMODEM) of the key, or of what is between its first braces. */
function slotOf(buf: Buffer, from: number, to: number): number {
  const open = buf.subarray(from, to).indexOf(BRACE_OPEN);
  const close = open < 0 ? -1 : buf.subarray(from + open + 1, to).indexOf(BRACE_CLOSE);
  if (close <= 0) return crc16(buf, from, to) % SLOTS_COUNT;
  const tag = from + open + 1;
  return crc16(buf, tag, tag + close) % SLOTS_COUNT;
}

function crc16(buf: Buffer, from: number, to: number): number {
  let crc = 0;
  for (let at = from; at < to; at += 1) {
    crc ^= buf[at]! << 8;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    }
    crc &= 0xffff;
  }
  return crc;
}

export const clusterCommands: readonly CommandRow[] = [
  {
    name: 'cluster',
    arity: -2,
    flags: 0,
    handler: (_session, args, reply) => reply.error(unknownSubcommand('cluster', args.string(1))),
    subcommands: [
      helpRow('cluster', [
        'INFO|MYID|NODES|SHARDS|SLOTS',
        '    Describe the node that is asked as a cluster of one: it answers for all keys.',
        'KEYSLOT <key>',
        '    Return the slot that Redis Cluster would put <key> into.',
      ]),
      { name: 'info', arity: 2, flags: 0, handler: info },
      { name: 'keyslot', arity: 3, flags: 0, handler: keySlot },
      { name: 'myid', arity: 2, flags: 0, handler: myId },
      { name: 'nodes', arity: 2, flags: 0, handler: nodes },
      { name: 'shards', arity: 2, flags: 0, handler: shards },
      { name: 'slots', arity: 2, flags: 0, handler: slots },
      ...MANAGING.map(([name, arity, flags]) => refused(name, arity, flags, NO_SLOTS)),
    ],
  },
];
