/**
 * COLLECTED: who fills a range tells a member that will hold it up to which stamps tombstones of it
 * have been collected. It is part of the fill: without it the range does not count as filled.
 *
 *   COLLECTED epoch [low high stamp]...      bounds as KRANGE takes them: `-`, `(key`; `+`, `[key`
 */
import { PeerError } from '../../discord/peer/peer-error.js';
import type { RingRange } from '../../discord/ring/position.js';
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import { epochOf, type PeerVerb, type RingLinks } from '../ring/ring-links.js';
import { type CollectedPiece, PIECES_MAX } from '../store/collected-ranges.js';
import type { Store } from '../store/store.js';

const COLLECTED_VERB = 'COLLECTED';
const HEAD_WORDS = 2;
const PIECE_WORDS = 3;
const MINUS = 0x2d;
const PLUS = 0x2b;
const OPEN = Buffer.from('(');
const CLOSED = Buffer.from('[');

interface Parts {
  readonly ring: RingLinks;
  readonly store: Store;
}

export function collectedVerb({ ring, store }: Parts): PeerVerb {
  return {
    name: COLLECTED_VERB,
    channel: 'bulk',
    handler: (_session, args, reply) => hear(ring, store, args, reply),
  };
}

/** Resolves to whether the member knows now. */
export function tellCollected(
  { ring, store }: Parts,
  memberId: string,
  range: RingRange,
  timeoutMs: number,
): Promise<boolean> {
  const pieces = piecesOf(store, range);
  if (pieces.length === 0) return Promise.resolve(true);
  const words: (string | Buffer)[] = [COLLECTED_VERB, String(epochOf(ring))];
  for (const { high, low, stamp } of pieces) {
    words.push(low === null ? '-' : Buffer.concat([OPEN, low]));
    words.push(high === null ? '+' : Buffer.concat([CLOSED, high]), String(stamp));
  }
  return new Promise((resolve) => {
    const request = ring.request(memberId, 'bulk', words, timeoutMs, (error, reply) => {
      resolve(error === null && !(reply instanceof Error));
    });
    if (request instanceof PeerError) resolve(false);
  });
}

/** What a node has dropped while it was alone it may have dropped anywhere. */
function piecesOf(store: Store, range: RingRange): CollectedPiece[] {
  if (store.collectedStamp > 0) store.collectedBetween(null, null, store.collectedStamp);
  return store.collectedRanges.within(range);
}

function hear(ring: RingLinks, store: Store, args: Args, reply: ReplyWriter): void {
  const epoch = epochOf(ring);
  const pieceCount = (args.count - HEAD_WORDS) / PIECE_WORDS;
  if (!Number.isInteger(pieceCount) || pieceCount < 1 || pieceCount > 2 * PIECES_MAX) {
    return reply.error('ERR COLLECTED takes an epoch, and two bounds and a stamp for each piece');
  }
  if (args.string(1) !== String(epoch)) {
    return reply.error(`COLLECTEDEPOCH this member is in epoch ${epoch}`);
  }
  const pieces: CollectedPiece[] = [];
  for (let at = HEAD_WORDS; at < args.count; at += PIECE_WORDS) {
    const low = boundOf(args, at, MINUS, OPEN);
    const high = boundOf(args, at + 1, PLUS, CLOSED);
    const stamp = Number(args.string(at + 2));
    const isStamp = Number.isSafeInteger(stamp) && stamp > 0;
    if (low === undefined || high === undefined || !isStamp) {
      return reply.error('ERR COLLECTED: no bound, or no stamp; not applied');
    }
    pieces.push({ low, high, stamp });
  }
  for (const { high, low, stamp } of pieces) store.collectedBetween(low, high, stamp);
  reply.ok();
}

/** Undefined: that is no bound. */
function boundOf(args: Args, at: number, none: number, sign: Buffer): Buffer | null | undefined {
  const bytes = args.bytes(at);
  if (bytes.length === 1 && bytes[0] === none) return null;
  return bytes[0] === sign[0] ? Buffer.from(bytes.subarray(1)) : undefined;
}
