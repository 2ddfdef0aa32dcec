/**
 * What a peer that lies can make a side hold: measured while it says the worst that is allowed, with
 * nobody reading what is answered, against limits that follow from those of the protocol.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { ByteWriter } from '../../radix/sync/bytes.js';
import { encodeFrame } from '../../radix/sync/frame.js';
import { keyCheck } from '../../radix/sync/replica.js';
import { SyncSession } from '../../radix/sync/session.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import { dropStore, newStore, putKeys, type Store } from './stores.js';
import { WHOLE } from './wire.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);

const MIB = 1024 * 1024;
/** A window of frames, a record, a frame of each kind being read or written, and noise of the machine. */
const LINK_BYTES_MAX = 4 * MIB;
/** 131,072 cells of each side, and the decoder's with what has been found: 8 bytes each, twice. */
const CELLS_BYTES_MAX = 16 * MIB;
/** A million of listed items, in a Set of numbers. */
const LISTED_BYTES_MAX = 80 * MIB;
const SAMPLES = 16;
const OWN_ITEMS = 2000;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes held outside of the arenas, which only what is stored may grow. */
function heldBytes(): number {
  collect();
  // What the first has found to be garbage another thread sweeps; the second waits for it.
  collect();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}

function frameOf(type: number, write: (writer: ByteWriter) => void): Buffer {
  const writer = new ByteWriter();
  write(writer);
  return Buffer.from(encodeFrame(type, writer.view()));
}

const CHECK = keyCheck(newStore(0), 7);

function summaryOf(count: number): Buffer {
  return frameOf(1, (writer) => {
    writer.bytes(Buffer.of(0, 1, 0));
    writer.u32(CHECK);
    writer.varint(3);
    writer.u32(7);
    writer.bytes(Buffer.of(0, 0));
    writer.varint(count);
    writer.u32(1);
    writer.u32(2);
  });
}

const NOISE = seededRandom(seed).bytes(65_000);

/** A first group of as many cells as may be, over and over again. */
function* cells(): Generator<Buffer> {
  const last = 2 ** 17;
  yield summaryOf(4_000_000);
  for (;;) {
    yield frameOf(5, (writer) => {
      writer.bytes(Buffer.of(1, 0));
      writer.varint(4_000_000);
      writer.u32(seed);
      writer.varint(1);
      writer.varint(last);
      writer.bytes(NOISE, 0, 8 * 8000);
    });
    for (let left = last - 1 - 8000; left > 0; left -= 8000) {
      yield frameOf(5, (writer) => writer.bytes(NOISE, 0, 8 * Math.min(8000, left)));
    }
  }
}

/** As long a list as may be. */
function* list(): Generator<Buffer> {
  const random = seededRandom(seed);
  const items = 2 ** 20;
  yield summaryOf(4_000_000);
  yield frameOf(7, (writer) => {
    writer.bytes(Buffer.of(1, 0));
    writer.varint(items);
  });
  for (let left = items; left > 0; left -= 9000) {
    yield frameOf(7, (writer) => writer.bytes(random.bytes(7 * Math.min(9000, left))));
  }
}

/** A record that never ends: pieces of one as long as may be. */
function* record(): Generator<Buffer> {
  yield summaryOf(4_000_000);
  yield frameOf(9, (writer) => {
    writer.varint(3 * 65_536);
    writer.bytes(NOISE, 0, 60_000);
  });
  for (;;) yield frameOf(9, (writer) => writer.u8(7));
}

/** What is no whole frame, a byte at a time. */
function* trickle(): Generator<Buffer> {
  yield Buffer.of(9, 0xfc, 0xff, 3);
  for (;;) yield Buffer.alloc(64);
}

/** Asks for all that there is, and never reads it. */
function* summaries(): Generator<Buffer> {
  yield summaryOf(0);
  for (;;) yield frameOf(11, (writer) => writer.varint(1));
}

interface Peer {
  readonly name: string;
  readonly bytesMax: number;
  readonly frames: number;
  /** How it ends, if it does. */
  readonly code?: string;
  readonly says: () => Generator<Buffer>;
  readonly isEmpty?: boolean;
}

const PEERS: readonly Peer[] = [
  { name: 'cells that never decode', bytesMax: CELLS_BYTES_MAX, frames: 200, says: cells },
  { name: 'a list of a million', bytesMax: LISTED_BYTES_MAX, frames: 200, says: list },
  {
    name: 'a record that comes byte by byte',
    bytesMax: LINK_BYTES_MAX,
    frames: 130_000,
    says: record,
    isEmpty: true,
  },
  {
    name: 'a frame that comes bit by bit',
    bytesMax: LINK_BYTES_MAX,
    frames: 4000,
    code: 'SYNC_PROTOCOL',
    says: trickle,
  },
  { name: 'somebody who does not read', bytesMax: LINK_BYTES_MAX, frames: 100, says: summaries },
];

/** The most that is held at any moment, sampled. */
function highestOf(store: Store, { frames, says: makeSays }: Peer): [number, SyncSession] {
  const says = makeSays();
  const isMute = makeSays === summaries;
  const every = Math.ceil(frames / SAMPLES);
  const session = SyncSession.respond(store);
  const before = heldBytes();
  let highest = 0;
  for (let frame = 0; frame < frames && !session.isOver; frame++) {
    const said = says.next();
    if (said.done === true) break;
    session.receive(said.value);
    while (session.work());
    if (!isMute) while (session.take() !== null);
    if (frame % every === 0) highest = Math.max(highest, heldBytes() - before);
  }
  return [highest, session];
}

t.test('what a peer can make a side hold', (t) => {
  for (const peer of PEERS) {
    const { name, bytesMax, code, isEmpty = false } = peer;
    const store = newStore(0);
    const random = seededRandom(seed);
    if (!isEmpty)
      putKeys(
        store,
        Array.from({ length: OWN_ITEMS }, () => random.bytes(9)),
        5,
      );
    const [highest, session] = highestOf(store, peer);
    t.comment(`${name}: ${(highest / MIB).toFixed(1)} MiB`);
    t.equal(session.error?.code, code, name);
    t.ok(highest <= bytesMax, `${name}: ${highest} bytes`);
    session.cancel();
    dropStore(store);
  }
  t.end();
});

/** The other way round: a responder that sends the worst to a side that has asked. */
function* bounds(): Generator<Buffer> {
  yield frameOf(4, (writer) => {
    writer.varint(2 ** 40);
    writer.varint(1);
    writer.u16(1);
  });
  const random = seededRandom(seed);
  // Whole numbers of symbols, and of listed hashes.
  for (;;) yield frameOf(8, (writer) => writer.bytes(random.bytes(28 * 2000)));
}

t.test('and one that began', (t) => {
  const store = newStore(0);
  const random = seededRandom(seed);
  putKeys(
    store,
    Array.from({ length: OWN_ITEMS }, () => random.bytes(9)),
    5,
  );
  const session = SyncSession.initiate(store, { range: WHOLE, salt: 7 });
  const says = bounds();
  const before = heldBytes();
  let highest = 0;
  for (let frames = 0; frames < 200 && !session.isOver; frames++) {
    while (session.work());
    while (session.take() !== null);
    session.receive(says.next().value as Buffer);
    highest = Math.max(highest, heldBytes() - before);
  }
  t.comment(`${(highest / MIB).toFixed(1)} MiB, ${session.error?.code ?? 'no end'}`);
  t.ok(highest <= CELLS_BYTES_MAX, `${highest} bytes`);
  t.equal(session.error?.code, 'SYNC_LIMIT');
  dropStore(store);
  t.end();
});
