/** Error texts that several commands share, exactly as Redis words them, and replies of values. */
import { CHUNK_SHIFT, GRANULE_MASK } from '../../radix/arena.js';
import {
  FLAG_EXTERNAL,
  flagsAt,
  keyBytesAt,
  keyWordAt,
  type Leaf,
  valueBytesAt,
  valueWordAt,
} from '../../radix/leaf.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { Database } from '../store/database.js';

export const SYNTAX_ERROR = 'ERR syntax error';
export const WRONG_TYPE_ERROR = 'WRONGTYPE Operation against a key holding the wrong kind of value';
export const NOT_INTEGER = 'ERR value is not an integer or out of range';
export const NOT_FLOAT = 'ERR value is not a valid float';
export const NO_SUCH_KEY = 'ERR no such key';
export const STRING_TOO_LONG = 'ERR string exceeds maximum allowed size (proto-max-bulk-len)';
export const LOADING = 'LOADING Redis is loading the dataset in memory';
export const JOINING =
  'CLUSTERDOWN this node joins a ring and is no member yet, not executed: see INFO ring';
export const OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'.";
export const INDEX_OUT_OF_RANGE = 'ERR DB index is out of range';
export const KEY_TOO_LONG = 'ERR key is too long: at most 65536 bytes, not applied';
export const SUB_KEY_TOO_LONG = 'ERR field or member is too long: at most 65536 bytes, not applied';
export const MIRROR_KEY_TOO_LONG =
  'ERR field and value are too long for a mirrored hash: at most 65534 bytes together, not applied';

export function wrongArity(name: string): string {
  return `ERR wrong number of arguments for '${name}' command`;
}

export function unknownSubcommand(container: string, name: string): string {
  return `ERR unknown subcommand '${shortText(name)}'. Try ${container.toUpperCase()} HELP.`;
}

/** Of the few commands whose subcommands are told apart by name and number of arguments at once. */
export function unknownSubcommandOrArity(container: string, name: string): string {
  const upper = container.toUpperCase();
  return `ERR unknown subcommand or wrong number of arguments for '${shortText(name)}'. Try ${upper} HELP.`;
}

/** A text from a client as Redis shows it in errors: the start of it, up to a NUL as C prints. */
export function shortText(text: string, charsMax = 128): string {
  const end = text.indexOf('\0');
  return text.slice(0, end === -1 ? charsMax : Math.min(end, charsMax));
}

/** Values up to this size are copied into the reply's chunk in one piece. */
const PIECE_BYTES = 16 * 1024;

/**
 * The head of an array of so many items, or pairs of two. True if each pair is an array of its own, as
 * in RESP3; else the two follow each other.
 */
export function beginItems(reply: ReplyWriter, count: number, isPaired: boolean): boolean {
  const nests = isPaired && reply.protocol === 3;
  reply.array(isPaired && !nests ? count * 2 : count);
  return nests;
}

/** Writes the value of a string leaf as a bulk string. */
export function replyValue(reply: ReplyWriter, database: Database, leaf: Leaf): void {
  if (replyShortValue(reply, database, leaf)) return;
  replyValueRange(reply, database, leaf, 0, database.tree.valueBytes(leaf));
}

/** False, and nothing is written: it does not lie in the leaf, being of more than 16 KiB. */
export function replyShortValue(reply: ReplyWriter, database: Database, leaf: Leaf): boolean {
  const i32 = database.tree.space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  const bytes = valueBytesAt(i32, word);
  if ((flagsAt(i32, word) & FLAG_EXTERNAL) !== 0) return false;
  reply.bulkWords(i32, valueWordAt(i32, word), bytes);
  return true;
}

/** Writes bytes [from, to) of the value of a string leaf as a bulk string. */
export function replyValueRange(
  reply: ReplyWriter,
  database: Database,
  leaf: Leaf,
  from: number,
  to: number,
): void {
  const tree = database.tree;
  reply.bulkHeader(to - from);
  for (let at = from; at < to; at += PIECE_BYTES) {
    const end = Math.min(to, at + PIECE_BYTES);
    reply.room(end - at);
    tree.copyValue(leaf, reply.buf, reply.at, at, end);
    reply.at += end - at;
  }
  reply.crlf();
}

/** Writes the key of a leaf as a bulk string. */
export function replyKey(reply: ReplyWriter, database: Database, leaf: Leaf): void {
  const i32 = database.tree.space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  reply.bulkWords(i32, keyWordAt(i32, word), keyBytesAt(i32, word));
}
