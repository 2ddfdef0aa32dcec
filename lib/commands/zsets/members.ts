/** What the commands on sorted sets share: members as arguments, members and scores as replies. */
import { CHUNK_SHIFT, GRANULE_MASK } from '../../../radix/arena.js';
import { keyBytesAt, keyWordAt, type Leaf } from '../../../radix/leaf.js';
import type { Args } from '../../../resp/args.js';
import { formatDouble } from '../../../resp/numbers.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Database } from '../../store/database.js';
import {
  MEMBER_BYTES_MAX,
  mirroredScore,
  SCORE_BYTES,
  SCORE_WORDS,
  scoreOf,
} from '../../types/zsets.js';
import { replyKey } from '../replies.js';

const MEMBER_TOO_LONG = `ERR field or member is too long: at most ${MEMBER_BYTES_MAX} bytes, not applied`;

/** True, the error replied, if the member in argument `i` may not be written. */
export function refusesMember(args: Args, i: number, reply: ReplyWriter): boolean {
  if (args.ends[i]! - args.starts[i]! <= MEMBER_BYTES_MAX) return false;
  reply.error(MEMBER_TOO_LONG);
  return true;
}

// Elements: see ElementWriter.

export function writeFlatScored(reply: ReplyWriter, database: Database, element: Leaf): void {
  replyKey(reply, database, element);
  reply.double(scoreOf(database.tree, element));
}

export function writeNestedScored(reply: ReplyWriter, database: Database, element: Leaf): void {
  reply.array(2);
  writeFlatScored(reply, database, element);
}

/** The score as a text in either protocol, as ZSCAN tells it. */
export function writeScanned(reply: ReplyWriter, database: Database, element: Leaf): void {
  replyKey(reply, database, element);
  reply.bulkLatin1(formatDouble(scoreOf(database.tree, element)));
}

// Leaves of a mirror.

export function writeRanked(reply: ReplyWriter, database: Database, leaf: Leaf): void {
  const i32 = database.tree.space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  reply.bulkWords(i32, keyWordAt(i32, word) + SCORE_WORDS, keyBytesAt(i32, word) - SCORE_BYTES);
}

export function writeFlatRanked(reply: ReplyWriter, database: Database, leaf: Leaf): void {
  writeRanked(reply, database, leaf);
  reply.double(mirroredScore(database.tree, leaf));
}

export function writeNestedRanked(reply: ReplyWriter, database: Database, leaf: Leaf): void {
  reply.array(2);
  writeFlatRanked(reply, database, leaf);
}
