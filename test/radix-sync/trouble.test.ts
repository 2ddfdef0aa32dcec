import t, { type Test } from 'tap';
import { ByteReader, ByteWriter } from '../../radix/sync/bytes.js';
import { encodeFrame, FRAME_BYTES_MAX } from '../../radix/sync/frame.js';
import { keyCheck } from '../../radix/sync/replica.js';
import { SyncSession } from '../../radix/sync/session.js';
import { KEY_SHAPES } from '../radix/shapes.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';
import {
  checkStore,
  contentsOf,
  done,
  mergeOf,
  newStore,
  putKeys,
  randomPair,
  randomWrite,
  type Store,
} from './stores.js';
import { drive, runSync, WHOLE } from './wire.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);

function randomSalt(random: SeededRandom): number {
  return random.below(2 ** 32);
}

t.test('a link that breaks after any frame: the next session makes equal', (t) => {
  for (let round = 0; round < 6; round++) {
    const random = seededRandom(seed + round);
    const shape = random.pick(Object.values(KEY_SHAPES));
    const apart = [random.below(60), random.below(60)] as const;
    const both = random.pick([0, 150]);
    const state = seededRandom(seed + round);
    const whole = randomPair(state, shape, both, apart);
    const expected = contentsOf(mergeOf(whole));
    const { frames } = runSync(whole, { range: WHOLE, salt: 1 });
    done(...whole);
    for (let framesMax = 0; framesMax < frames; framesMax++) {
      const pair = randomPair(seededRandom(seed + round), shape, both, apart);
      runSync(pair, { range: WHOLE, salt: randomSalt(random) }, { framesMax });
      for (const store of pair) checkStore(store);
      const run = runSync(pair, { range: WHOLE, salt: randomSalt(random) });
      if (run.initiator.outcome?.isEqual !== true) t.fail(`not equal after frame ${framesMax}`);
      if (contentsOf(pair[0]) !== expected || contentsOf(pair[1]) !== expected) {
        t.fail(`round ${round}: not the merge after frame ${framesMax}`);
      }
      done(...pair);
    }
  }
  t.end();
});

t.test('a frame that is lost or comes twice: the next session makes equal', (t) => {
  for (let round = 0; round < 4; round++) {
    const random = seededRandom(seed + round);
    const shape = random.pick(Object.values(KEY_SHAPES));
    const apart = [random.below(60), random.below(60)] as const;
    const both = random.pick([0, 150]);
    const whole = randomPair(seededRandom(seed + round), shape, both, apart);
    const expected = contentsOf(mergeOf(whole));
    const { frames } = runSync(whole, { range: WHOLE, salt: 1 });
    done(...whole);
    for (let target = 0; target < 2 * frames; target++) {
      const pair = randomPair(seededRandom(seed + round), shape, both, apart);
      let count = 0;
      const tamper = (frame: Buffer): Buffer | null => {
        if (count++ !== target >>> 1) return frame;
        return target % 2 === 0 ? null : Buffer.concat([frame, frame]);
      };
      runSync(pair, { range: WHOLE, salt: 1 }, { tamper });
      for (const store of pair) checkStore(store);
      const run = runSync(pair, { range: WHOLE, salt: randomSalt(random) });
      if (run.initiator.outcome?.isEqual !== true) t.fail(`not equal: ${round}, ${target}`);
      if (contentsOf(pair[0]) !== expected) t.fail(`not the merge: ${round}, ${target}`);
      done(...pair);
    }
  }
  t.pass('every frame');
  t.end();
});

t.test('writers on both sides: nothing is lost or reverted, and silence brings equality', (t) => {
  for (let round = 0; round < 25; round++) {
    const random = seededRandom(seed + round);
    const shape = random.pick(Object.values(KEY_SHAPES));
    const pair = randomPair(random, shape, 300, [80, 80]);
    let stamp = 100_000;
    const checkLatest = watchLatest(t, pair);
    const between = (): void => {
      for (const [side, store] of pair.entries()) {
        if (random.chance(0.7)) randomWrite(random, shape, 2 * stamp++ + side)(store);
      }
      checkLatest(random.chance(0.3), 2 * stamp++ + random.below(2));
    };
    const run = runSync(pair, { range: WHOLE, salt: randomSalt(random) }, { random, between });
    if (run.initiator.error !== null) t.fail(`round ${round}: ${run.initiator.error.stack}`);
    if (run.responder.error !== null) t.fail(`round ${round}: ${run.responder.error.stack}`);
    const merged = mergeOf(pair);
    const last = runSync(pair, { range: WHOLE, salt: randomSalt(random) });
    if (last.initiator.outcome?.isEqual !== true) t.fail(`round ${round}: not equal`);
    if (contentsOf(pair[0]) !== contentsOf(merged)) t.fail(`round ${round}: not the merge`);
    done(...pair, merged);
  }
  t.pass('25 rounds');
  t.end();
});

/** A key that is written with rising stamps while sync runs must never show an older one. */
function watchLatest(t: Test, pair: [Store, Store]): (write: boolean, stamp: number) => void {
  const key = Buffer.from('latest');
  const seen = [0, 0];
  return (write, stamp) => {
    for (const [side, store] of pair.entries()) {
      const { clearedAt, tree } = store[2]!;
      const leaf = tree.find(key, 0, key.length);
      const shown = leaf === 0 ? clearedAt : tree.stamp(leaf);
      if (shown < seen[side]!) t.fail(`reverted from ${seen[side]} to ${shown}`);
      seen[side] = shown;
    }
    const { tree } = pair[stamp & 1]![2]!;
    if (write) tree.put(key, 0, key.length, stamp, 1, 0, 0, key, 0, key.length);
  };
}

t.test('a peer whose bytes are wrong: an error or equality, never a broken tree', (t) => {
  const codes = new Map<string, number>();
  for (let round = 0; round < 300; round++) {
    const random = seededRandom(seed + round);
    const pair = randomPair(random, KEY_SHAPES['random bytes']!, 100, [40, 40]);
    const target = random.below(12);
    let count = 0;
    const tamper = (frame: Buffer): Buffer | null => {
      if (count++ !== target) return frame;
      return damaged(random, frame);
    };
    const run = runSync(pair, { range: WHOLE, salt: randomSalt(random) }, { tamper });
    for (const { error } of [run.initiator, run.responder]) {
      const code = error?.code ?? 'none';
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    done(...pair);
  }
  t.comment(JSON.stringify([...codes]));
  t.ok(codes.has('SYNC_BAD_FRAME') && codes.has('SYNC_PROTOCOL'), 'damage is found');
  t.end();
});

function damaged(random: SeededRandom, frame: Buffer): Buffer | null {
  const copy = Buffer.from(frame);
  const dice = random.below(5);
  if (dice === 0) return null;
  if (dice === 1) return Buffer.concat([copy, copy]);
  if (dice === 2) return copy.subarray(0, random.below(copy.length));
  if (dice === 3) return random.bytes(1 + random.below(300));
  for (let i = 1 + random.below(3); i > 0; i--) copy[random.below(copy.length)] = random.below(256);
  return copy;
}

/** What a liar says next, told what he was answered. */
type Lies = Generator<Buffer, void, Buffer[]>;

/** A session under test, and somebody who says what he likes. Returns how often he could. */
function talkTo(session: SyncSession, lies: Lies, isMute = false): number {
  let said = 0;
  let answers = answersOf(session, isMute);
  while (session.error === null && session.outcome === null) {
    const lie = lies.next(answers);
    if (lie.done === true) break;
    said++;
    session.receive(lie.value);
    answers = answersOf(session, isMute);
  }
  return said;
}

function answersOf(session: SyncSession, isMute: boolean): Buffer[] {
  const answers: Buffer[] = [];
  for (let isBusy = true; isBusy; ) {
    isBusy = session.work();
    if (isMute) continue;
    for (let frame = session.take(); frame !== null; frame = session.take()) {
      answers.push(frame);
      isBusy = true;
    }
  }
  return answers;
}

function* saying(...frames: Buffer[]): Lies {
  yield* frames;
}

function frameOf(type: number, write: (writer: ByteWriter) => void): Buffer {
  const writer = new ByteWriter();
  write(writer);
  return Buffer.from(encodeFrame(type, writer.view()));
}

const CHECK = keyCheck(newStore(0), 7);

function summaryOf(count: number, mode = 0, version = 1, check = CHECK): Buffer {
  return frameOf(1, (writer) => {
    writer.u8(0);
    writer.u8(version);
    writer.u8(mode);
    writer.u32(check);
    writer.varint(3);
    writer.u32(7);
    writer.u8(0);
    writer.u8(0);
    writer.varint(count);
    writer.u32(1);
    writer.u32(2);
  });
}

/** Cells of nothing: they begin like those of one sub range, number 0. */
function cellsOf(random: SeededRandom, from: number, to: number, items: number): Buffer {
  return frameOf(5, (writer) => {
    if (from === 1) {
      writer.u8(1);
      writer.varint(0);
      writer.varint(items);
      writer.u32(random.below(2 ** 32));
    }
    writer.varint(from);
    writer.varint(to);
    for (let i = from; i < to && writer.length < 60_000; i++) {
      writer.u32(random.below(2 ** 32));
      writer.u32(random.below(2 ** 32));
    }
  });
}

/** A list of sub range 0 that says so many items, and holds others. */
function listOf(announced: number, held: number): Buffer {
  return frameOf(7, (writer) => {
    writer.u8(1);
    writer.varint(0);
    writer.varint(announced);
    writer.bytes(Buffer.alloc(7 * held, 9));
  });
}

/** Sends as many cells as are wanted, again and again. */
function* endlessCells(random: SeededRandom, items: number): Lies {
  yield summaryOf(items);
  for (let from = 1, to = 50; ; ) {
    const answers = yield cellsOf(random, from, to, items);
    const need = answers.find((frame) => frame[0] === 6);
    const wanted = need === undefined ? 0 : new ByteReader(need.subarray(2)).varint();
    from = wanted === 0 ? 1 : to;
    to = wanted === 0 ? 50 : wanted;
  }
}

function* forever(frame: Buffer): Lies {
  for (;;) yield frame;
}

/** A record of a value of so many bytes, which follows. */
function bigRecordOf(valueBytes: number): Buffer {
  return frameOf(9, (writer) => {
    const record = new ByteWriter();
    record.u8(6);
    record.varint(0);
    record.blob(Buffer.from('key'));
    for (const number of [5, 1, valueBytes]) record.varint(number);
    writer.blob(record.view());
  });
}

function* givingUp(): Lies {
  for (;;) {
    yield bigRecordOf(100_000);
    yield frameOf(15, (writer) => writer.bytes(Buffer.alloc(100)));
    yield frameOf(16, () => {});
  }
}

/** Bytes of values that nobody has given credit for, without reading what is said. */
function* withoutCredit(): Lies {
  yield summaryOf(5000);
  yield bigRecordOf(2 ** 29);
  yield* forever(frameOf(15, (writer) => writer.bytes(Buffer.alloc(60_000))));
}

interface Liar {
  name: string;
  code: string;
  /** Of the side that is lied to. */
  isEmpty?: boolean;
  /** Whether it is never read from. */
  isMute?: boolean;
  lies: (random: SeededRandom) => Lies;
}

const LIARS: Liar[] = [
  { name: 'an unknown version', code: 'SYNC_VERSION', lies: () => saying(summaryOf(1, 0, 9)) },
  { name: 'an unknown mode', code: 'SYNC_VERSION', lies: () => saying(summaryOf(1, 6)) },
  { name: 'a SUMMARY for ever', code: 'SYNC_LIMIT', lies: () => forever(summaryOf(9)) },
  {
    name: 'cells that never decode',
    code: 'SYNC_LIMIT',
    lies: (random) => endlessCells(random, 100_000),
  },
  {
    name: 'cells of few items that never decode',
    code: 'SYNC_LIMIT',
    lies: (random) => endlessCells(random, 100),
  },
  {
    name: 'more cells than it may',
    code: 'SYNC_BAD_FRAME',
    lies: (random) => saying(summaryOf(5000), cellsOf(random, 1, 2 ** 20, 5000)),
  },
  {
    name: 'more items than there can be',
    code: 'SYNC_BAD_FRAME',
    lies: (random) => saying(summaryOf(5000), cellsOf(random, 1, 9, 2 ** 50)),
  },
  {
    name: 'a sub range that is none',
    code: 'SYNC_BAD_FRAME',
    lies: () =>
      saying(
        summaryOf(5000),
        frameOf(5, (writer) => writer.bytes(Buffer.of(1, 200))),
      ),
  },
  {
    name: 'bytes without an end',
    code: 'SYNC_LIMIT',
    lies: () => saying(summaryOf(5000), Buffer.alloc(8 * FRAME_BYTES_MAX)),
  },
  {
    name: 'a list that is longer than it says',
    code: 'SYNC_BAD_FRAME',
    lies: () => saying(summaryOf(5000), listOf(1, 2)),
  },
  {
    name: 'a list for ever',
    code: 'SYNC_BAD_FRAME',
    lies: () => saying(summaryOf(5000), listOf(2 ** 30, 0)),
  },
  {
    name: 'credit for nothing',
    code: 'SYNC_PROTOCOL',
    lies: () =>
      saying(
        summaryOf(5000),
        frameOf(11, (writer) => writer.varint(200_000)),
      ),
  },
  {
    name: 'credit of nothing, for ever',
    code: 'SYNC_PROTOCOL',
    lies: () => forever(frameOf(11, (writer) => writer.varint(0))),
  },
  {
    name: 'more than it has credit for',
    code: 'SYNC_LIMIT',
    isEmpty: true,
    isMute: true,
    lies: withoutCredit,
  },
  {
    name: 'a value that is too long',
    code: 'SYNC_PROTOCOL',
    isEmpty: true,
    lies: () => saying(summaryOf(5000), bigRecordOf(2 ** 29 + 1)),
  },
  {
    name: 'another key than ours',
    code: 'SYNC_KEY',
    lies: () => saying(summaryOf(1, 0, 1, CHECK ^ 1)),
  },
  {
    name: 'entries that nobody wanted',
    code: 'SYNC_PROTOCOL',
    lies: () =>
      saying(
        summaryOf(5000),
        frameOf(9, (writer) => writer.varint(0)),
      ),
  },
];

t.test('a peer that lies is told from one that does not, at once', (t) => {
  const random = seededRandom(seed);
  for (const { name, code, lies, isEmpty = false, isMute = false } of LIARS) {
    const store = newStore(0);
    putKeys(
      store,
      Array.from({ length: isEmpty ? 0 : 500 }, () => random.bytes(8)),
      5,
    );
    const before = contentsOf(store);
    const session = SyncSession.respond(store);
    const said = talkTo(session, lies(random), isMute);
    t.equal(session.error?.code, code, `${name}: ${session.error?.message}`);
    t.ok(said < 1000, `${name}: after ${said} frames`);
    t.equal(contentsOf(store), before, `${name}: nothing has changed`);
    done(store);
  }
  t.end();
});

function rangesOf(rangeCount: number, places: readonly number[]): Buffer {
  return frameOf(4, (writer) => {
    writer.varint(600);
    writer.varint(rangeCount);
    writer.bytes(Buffer.from(places));
    for (let i = 0; i < rangeCount; i++) writer.u16(i);
  });
}

function* needing(step: number): Lies {
  yield rangesOf(1, []);
  for (let wanted = 2000; ; wanted += step) {
    yield frameOf(6, (writer) => {
      writer.varint(wanted);
      writer.u8(0);
    });
  }
}

function* wantingForever(random: SeededRandom): Lies {
  yield rangesOf(1, []);
  for (;;) yield frameOf(8, (writer) => writer.bytes(random.bytes(4000)));
}

function* keepingForever(random: SeededRandom): Lies {
  yield rangesOf(1, []);
  yield frameOf(8, (writer) => writer.u32(1));
  for (;;) yield frameOf(17, (writer) => writer.bytes(random.bytes(7000)));
}

function* wantingAgain(): Lies {
  yield rangesOf(1, []);
  for (;;) yield frameOf(8, (writer) => writer.u32(1));
}

const LYING_RESPONDERS: Liar[] = [
  { name: 'no sub ranges', code: 'SYNC_BAD_FRAME', lies: () => saying(rangesOf(0, [])) },
  { name: 'too many', code: 'SYNC_BAD_FRAME', lies: () => saying(rangesOf(257, [])) },
  {
    name: 'sub ranges that do not ascend',
    code: 'SYNC_BAD_FRAME',
    lies: () => saying(rangesOf(3, [2, 0, 1, 98, 2, 0, 1, 97])),
  },
  { name: 'wants ever more cells', code: 'SYNC_PROTOCOL', lies: () => needing(10) },
  { name: 'wants the same cells again', code: 'SYNC_PROTOCOL', lies: () => needing(0) },
  { name: 'wants what nobody has', code: 'SYNC_LIMIT', lies: wantingForever },
  { name: 'wants the same again', code: 'SYNC_PROTOCOL', lies: wantingAgain },
  { name: 'tells to keep what nobody has', code: 'SYNC_LIMIT', lies: keepingForever },
  {
    name: 'all entries, unasked',
    code: 'SYNC_PROTOCOL',
    lies: () => forever(frameOf(9, () => {})),
  },
  {
    name: 'entries without an entry, for ever',
    code: 'SYNC_PROTOCOL',
    isEmpty: true,
    lies: () => forever(frameOf(9, () => {})),
  },
  {
    name: 'values that are given up, for ever',
    code: 'SYNC_LIMIT',
    isEmpty: true,
    lies: givingUp,
  },
  {
    name: 'an END that counts what did not come',
    code: 'SYNC_PROTOCOL',
    isEmpty: true,
    lies: () => saying(frameOf(10, (writer) => writer.varint(3))),
  },
  { name: 'nothing but END', code: 'SYNC_PROTOCOL', lies: () => forever(frameOf(10, () => {})) },
  {
    name: 'RANGES for ever',
    code: 'SYNC_PROTOCOL',
    lies: () => forever(rangesOf(1, [])),
  },
];

t.test('a responder that lies is told, too', (t) => {
  const random = seededRandom(seed);
  for (const { name, code, lies, isEmpty = false } of LYING_RESPONDERS) {
    const store = newStore(0);
    putKeys(
      store,
      Array.from({ length: isEmpty ? 0 : 500 }, () => random.bytes(8)),
      5,
    );
    const before = contentsOf(store);
    const session = SyncSession.initiate(store, { range: WHOLE, salt: 4 });
    const said = talkTo(session, lies(random));
    t.equal(session.error?.code, code, `${name}: ${session.error?.message}`);
    t.ok(said < 20_000, `${name}: after ${said} frames`);
    t.equal(contentsOf(store), before, `${name}: nothing has changed`);
    done(store);
  }
  t.end();
});

t.test('entries that no tree holds are refused', (t) => {
  const random = seededRandom(seed);
  let refused = 0;
  for (let round = 0; round < 400; round++) {
    const store = newStore(0);
    const record = random.bytes(random.below(30));
    const entries = frameOf(9, (writer) => writer.blob(record));
    const end = frameOf(10, (writer) => writer.varint(1));
    const session = SyncSession.respond(store);
    talkTo(session, saying(summaryOf(10), entries, end));
    if (session.error !== null) refused++;
    done(store);
  }
  t.ok(refused > 300, `${refused} of 400`);
  t.end();
});

t.test('cancelled, it says and does nothing more', (t) => {
  const pair = [newStore(0), newStore(1)] as const;
  putKeys(pair[0], [Buffer.from('a')], 5);
  const session = SyncSession.initiate(pair[0], { range: WHOLE, salt: 1 });
  session.work();
  session.cancel();
  t.equal(session.take(), null);
  t.equal(session.work(), false);
  t.equal(session.error?.code, 'SYNC_CANCELLED');
  const log: string[] = [];
  drive(session, SyncSession.respond(pair[1]), {}, log);
  t.strictSame(log, []);
  done(...pair);
  t.end();
});

t.test('a silent peer costs nothing', (t) => {
  const store = newStore(0);
  putKeys(store, [Buffer.from('a')], 5);
  const session = SyncSession.respond(store);
  t.equal(session.work(), false);
  t.equal(session.take(), null);
  done(store);
  t.end();
});
