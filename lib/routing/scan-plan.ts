/**
 * SCAN over the whole ring: one owner after the other, in the order of keys. The place where it
 * goes on is kept by the node that the client is connected to; a cursor is worth nothing elsewhere.
 */
import type { ReplyWriter } from '../../resp/reply-writer.js';
import { scanCursor, scanOptions } from '../commands/scan-options.js';
import type { Plan } from './parts.js';
import { bulkOf, bulkReply, elementsOf } from './raw-reply.js';
import { excluded, segmentsOf } from './segments.js';
import type { SpanRequest } from './span.js';

const EMPTY_ARRAY = Buffer.from('*0\r\n');

export function scanPlan(request: SpanRequest, scratch: ReplyWriter): (() => Plan) | undefined {
  const { args, router } = request;
  const cursor = scanCursor(args, 1, scratch);
  if (Number.isNaN(cursor) || scanOptions(args, 2, scratch, 'keys') === undefined) return undefined;
  const { scanPlaces } = router.server;
  const place = cursor === 0 ? undefined : scanPlaces.recall(Number(args.string(1)));
  if (cursor !== 0 && place === undefined) return undefined;
  const options: Buffer[] = [];
  for (let i = 2; i < args.count; i += 1) options.push(args.bytes(i));
  return function* (): Plan {
    const low = place === undefined ? undefined : excluded(place);
    const segments = segmentsOf(router.ring, low);
    for (const [at, { bounds, owner }] of segments.entries()) {
      const [reply] = yield [{ owner, bounds, words: ['SCAN', '0', ...options] }];
      const [next, keys] = elementsOf(reply!) as [Buffer, Buffer];
      const [behind] = elementsOf(next);
      const isLast = at === segments.length - 1;
      if (behind !== undefined) return scanReply(scanPlaces.remember(copyOf(behind)), keys);
      if (isLast) return scanReply(0, keys);
      // The member has no more: the next goes on, now if nothing was found.
      if (!keys.equals(EMPTY_ARRAY)) {
        return scanReply(scanPlaces.remember(Buffer.from(bounds[1].subarray(1))), keys);
      }
    }
    return scanReply(0, EMPTY_ARRAY);
  };
}

function copyOf(bulk: Buffer): Buffer {
  return Buffer.from(bulkOf(bulk));
}

function scanReply(cursor: number, keys: Buffer): Buffer {
  return Buffer.concat([Buffer.from('*2\r\n'), bulkReply(Buffer.from(String(cursor))), keys]);
}
