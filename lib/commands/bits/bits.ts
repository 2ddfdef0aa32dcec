/** Strings as rows of bits, numbered from the highest bit of the first byte. */
import { FLAG_RAW } from '../../../radix/leaf.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { NOTIFY_STRING } from '../../store/notify.js';
import { type CommandRow, FAST, READONLY, WRITE } from '../command.js';
import { findStringKey, isWrongType, notifyKey, readStringKey, refusesKey } from '../lookup.js';
import { bitOffset } from './bit-range.js';
import { BitCount, BitPosition } from './bit-scan.js';
import { bitop } from './bitop.js';

/** One byte to write. */
const oneByte = Buffer.alloc(1);

function setbit(session: Session, args: Args, reply: ReplyWriter): void {
  const offset = bitOffset(args, 2, 0, session.server.settings.protoMaxBulkLen, reply);
  if (offset < 0) return;
  const on = args.int64(3);
  if (on !== 0 && on !== 1) {
    reply.error('ERR bit is not an integer or out of range');
    return;
  }
  if (refusesKey(args, 1, reply)) return;
  const database = session.database;
  const leaf = findStringKey(database, args, 1);
  if (isWrongType(leaf, reply)) return;
  const index = Math.floor(offset / 8);
  const isInside = leaf !== 0 && index < database.tree.valueBytes(leaf);
  const byte = isInside ? database.tree.valueByte(leaf, index) : 0;
  const shift = 7 - (offset % 8);
  const old = (byte >> shift) & 1;
  if (!isInside || old !== on) {
    oneByte[0] = (byte & ~(1 << shift)) | (on << shift);
    database.patch(args.buf, args.starts[1]!, args.ends[1]!, index, oneByte, 0, 1);
    notifyKey(database, NOTIFY_STRING, 'setbit', args, 1);
  } else {
    // Redis makes the string writable before it looks whether the bit changes.
    database.tree.addHints(leaf, FLAG_RAW);
  }
  reply.integer(old);
}

function getbit(session: Session, args: Args, reply: ReplyWriter): void {
  const offset = bitOffset(args, 2, 0, session.server.settings.protoMaxBulkLen, reply);
  if (offset < 0) return;
  const database = session.database;
  const leaf = readStringKey(database, args, 1);
  if (isWrongType(leaf, reply)) return;
  const index = Math.floor(offset / 8);
  if (leaf === 0 || index >= database.tree.valueBytes(leaf)) reply.integer(0);
  else reply.integer((database.tree.valueByte(leaf, index) >> (7 - (offset % 8))) & 1);
}

function bitcount(session: Session, args: Args, reply: ReplyWriter): void {
  new BitCount(session, args, reply).run();
}

function bitpos(session: Session, args: Args, reply: ReplyWriter): void {
  new BitPosition(session, args, reply).run();
}

export const bitCommands: readonly CommandRow[] = [
  { name: 'setbit', arity: 4, flags: WRITE | FAST, keys: [1, 1, 1], handler: setbit },
  { name: 'getbit', arity: 3, flags: READONLY | FAST, keys: [1, 1, 1], handler: getbit },
  { name: 'bitcount', arity: -2, flags: READONLY, keys: [1, 1, 1], handler: bitcount },
  { name: 'bitpos', arity: -3, flags: READONLY, keys: [1, 1, 1], handler: bitpos },
  { name: 'bitop', arity: -4, flags: WRITE, keys: [2, -1, 1], handler: bitop },
];
