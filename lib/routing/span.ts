/**
 * Commands that answer from the order of all keys. Each owner is asked about what it owns, with the
 * ordinary commands of the ordered keyspace and narrower bounds, so that no replica is counted.
 *
 * Not a snapshot of the whole ring: where counts come first and entries after, writes in between
 * may show as an entry too few or twice the same place.
 */
import type { Args } from '../../resp/args.js';
import { ReplyWriter } from '../../resp/reply-writer.js';
import type { Command } from '../commands/command.js';
import { refusesInterval } from '../commands/ordered/interval.js';
import { rangeRequest } from '../commands/ordered/range-options.js';
import { matchPages, rangePages } from './pages.js';
import type { Plan } from './parts.js';
import { arrayReply, elementsOf, integerOf, integerReply, nullReply } from './raw-reply.js';
import type { Router } from './router.js';
import { scanPlan } from './scan-plan.js';
import { excluded, included, type Segment, segmentsOf } from './segments.js';

/** What a plan knows of its request. `args` are a copy. */
export interface SpanRequest {
  readonly router: Router;
  readonly args: Args;
  readonly protocol: 2 | 3;
}

type Begin = () => Plan;

/**
 * The plan of a command; undefined if its arguments are wrong, and the command itself shall say so.
 */
export function spanPlan(command: Command, request: SpanRequest): Begin | undefined {
  const { args, router } = request;
  const scratch = new ReplyWriter(router.server.pool);
  const name = command.name;
  try {
    if (name === 'scan') return scanPlan(request, scratch);
    if (name === 'krange') return krangePlan(request, scratch);
    if (name === 'knth') return knthPlan(request);
    if ((name === 'kcount' || name === 'kdelrange') && refusesInterval(args, 1, scratch)) {
      return undefined;
    }
  } finally {
    scratch.release();
  }
  const plans: Record<string, (span: SpanRequest) => Plan> = {
    dbsize,
    kcount,
    kdelrange: kdelrangePlan(),
    keys: keysPlan,
    knext,
    kprev,
    krank: (span) => rank(span, false),
    krevrank: (span) => rank(span, true),
    randomkey,
  };
  const plan = plans[name]!;
  return () => plan(request);
}

function countPart({ bounds, owner }: Segment) {
  return { owner, bounds, words: ['KCOUNT', ...bounds] };
}

function* countIn(
  { router }: SpanRequest,
  low?: Buffer,
  high?: Buffer,
): Generator<readonly ReturnType<typeof countPart>[], number, Buffer[]> {
  const replies = yield segmentsOf(router.ring, low, high).map(countPart);
  return sum(replies);
}

function sum(replies: readonly Buffer[]): number {
  let total = 0;
  for (const reply of replies) total += integerOf(reply);
  return total;
}

function* dbsize(request: SpanRequest): Plan {
  return integerReply(yield* countIn(request));
}

function* kcount(request: SpanRequest): Plan {
  const { args } = request;
  return integerReply(yield* countIn(request, args.bytes(1), args.bytes(2)));
}

/** What was removed before the ring changed counts too. */
function kdelrangePlan(): (request: SpanRequest) => Plan {
  let removed = 0;
  const got = (reply: Buffer): void => {
    removed += integerOf(reply);
  };
  return function* ({ args, router }: SpanRequest): Plan {
    const segments = segmentsOf(router.ring, args.bytes(1), args.bytes(2));
    yield segments.map(({ bounds, owner }) => {
      return { owner, bounds, words: ['KDELRANGE', ...bounds], got };
    });
    return integerReply(removed);
  };
}

function* rank(request: SpanRequest, isReverse: boolean): Plan {
  const { args, protocol, router } = request;
  const key = args.bytes(1);
  const only = included(key);
  const [self] = segmentsOf(router.ring, only, only);
  const [low, high] = isReverse ? [excluded(key), undefined] : [undefined, excluded(key)];
  const others = segmentsOf(router.ring, low, high);
  const [own, ...counts] = yield [self!, ...others].map(countPart);
  if (integerOf(own!) === 0) return nullReply(protocol);
  return integerReply(sum(counts));
}

function* knext({ args, protocol, router }: SpanRequest): Plan {
  for (const { bounds, owner } of segmentsOf(router.ring, excluded(args.bytes(1)))) {
    const words = ['KRANGE', ...bounds, 'LIMIT', '0', '1'];
    const [reply] = yield [{ owner, bounds, words }];
    const [key] = elementsOf(reply!);
    if (key !== undefined) return key;
  }
  return nullReply(protocol);
}

function* kprev({ args, protocol, router }: SpanRequest): Plan {
  const segments = segmentsOf(router.ring, undefined, excluded(args.bytes(1)));
  for (const { bounds, owner } of segments.reverse()) {
    const words = ['KRANGE', ...bounds, 'REV', 'LIMIT', '0', '1'];
    const [reply] = yield [{ owner, bounds, words }];
    const [key] = elementsOf(reply!);
    if (key !== undefined) return key;
  }
  return nullReply(protocol);
}

function* randomkey({ protocol, router }: SpanRequest): Plan {
  const segments = segmentsOf(router.ring);
  const counts = (yield segments.map(countPart)).map(integerOf);
  const total = counts.reduce((all, count) => all + count, 0);
  if (total === 0) return nullReply(protocol);
  const found = placeOf(counts, router.world.random.below(total))!;
  const [reply] = yield [entryPart(segments[found.at]!, found.index, false)];
  return elementsOf(reply!)[0] ?? nullReply(protocol);
}

/** In which of the segments, and where there, the `index`-th key is. */
function placeOf(
  counts: readonly number[],
  index: number,
): { at: number; index: number } | undefined {
  let left = index;
  for (const [at, count] of counts.entries()) {
    if (left < count) return { at, index: left };
    left -= count;
  }
  return undefined;
}

function entryPart({ bounds, owner }: Segment, index: number, withValues: boolean) {
  const values = withValues ? ['WITHVALUES'] : [];
  return {
    owner,
    bounds,
    words: ['KRANGE', ...bounds, 'LIMIT', String(index), '1', ...values],
  };
}

function knthPlan(request: SpanRequest): Begin | undefined {
  const { args, protocol, router } = request;
  const index = args.int64(1);
  const withValues = args.count === 3 && args.equalsIgnoreCase(2, 'WITHVALUES');
  if (Number.isNaN(index) || args.count > 3 || (args.count === 3 && !withValues)) return undefined;
  return function* (): Plan {
    const segments = segmentsOf(router.ring);
    const counts = (yield segments.map(countPart)).map(integerOf);
    const total = counts.reduce((all, count) => all + count, 0);
    const place = index < 0 ? total + index : index;
    const found = place < 0 ? undefined : placeOf(counts, place);
    if (found === undefined) return nullReply(protocol, withValues);
    const [reply] = yield [entryPart(segments[found.at]!, found.index, withValues)];
    const elements = elementsOf(reply!);
    if (elements.length === 0) return nullReply(protocol, withValues);
    // In RESP2 the two elements are the answer; in RESP3 they are a pair within the range.
    return withValues && protocol === 2 ? reply! : elements[0]!;
  };
}

function krangePlan(request: SpanRequest, scratch: ReplyWriter): Begin | undefined {
  const { args, protocol, router } = request;
  const options = rangeRequest(args, 3, true, scratch);
  if (options === undefined || refusesInterval(args, 1, scratch)) return undefined;
  const { count, offset, reverse, withValues } = options;
  const [low, high] = [args.bytes(1), args.bytes(2)];
  return function* (): Plan {
    const segments = segmentsOf(router.ring, low, high);
    if (reverse) segments.reverse();
    const range = { isReverse: reverse, protocol, withValues };
    if (offset === 0 && count < 0) {
      const wanted = segments.map((segment) => ({ segment, offset: 0, count: Infinity }));
      return yield* rangePages(wanted, range);
    }
    if (offset < 0 || count === 0) return arrayReply([]);
    const counts = (yield segments.map(countPart)).map(integerOf);
    const wanted = limits(counts, offset, count < 0 ? Number.MAX_SAFE_INTEGER : count);
    return yield* rangePages(
      wanted.map(({ at, ...limit }) => ({ segment: segments[at]!, ...limit })),
      range,
    );
  };
}

/** What part of each segment lies within `count` entries behind the first `offset` of all. */
function limits(
  counts: readonly number[],
  offset: number,
  count: number,
): { at: number; offset: number; count: number }[] {
  const found = [];
  let skip = offset;
  let left = count;
  for (const [at, here] of counts.entries()) {
    const part = Math.min(here - skip, left);
    if (part > 0) {
      found.push({ at, offset: skip, count: part });
      left -= part;
    }
    skip = Math.max(0, skip - here);
    if (left === 0) break;
  }
  return found;
}

function* keysPlan({ args, router }: SpanRequest): Plan {
  return yield* matchPages(segmentsOf(router.ring), args.bytes(1));
}
