import t from 'tap';
import { Arena, CHUNK_BYTES, OutOfMemoryError, RECORD_BYTES_MAX } from '../../radix/arena.js';
import { seededRandom, seedOfRun } from '../support/random.js';

const SLAB_BYTES = CHUNK_BYTES / 64;
const seed = seedOfRun();
t.comment(`SEED=${seed}`);

/** Fills a record with a number, to find out whether records overlap. */
function fill(arena: Arena, pointer: number, granules: number, mark: number): void {
  const start = (pointer & 0x1fffff) * 2;
  arena.i32[pointer >>> 21]!.fill(mark, start, start + granules * 2);
}

function isFilled(arena: Arena, pointer: number, granules: number, mark: number): boolean {
  const start = (pointer & 0x1fffff) * 2;
  const words = arena.i32[pointer >>> 21]!.subarray(start, start + granules * 2);
  return words.every((word) => word === mark);
}

t.test('records of all sizes do not overlap, and all memory comes back', (t) => {
  const random = seededRandom(seed);
  const arena = new Arena();
  const live: { pointer: number; granules: number; mark: number }[] = [];
  let overlaps = 0;
  for (let i = 1; i < 20_000; i++) {
    if (random.chance(0.55) || live.length === 0) {
      const most = random.pick([4, 20, 140, RECORD_BYTES_MAX / 8]);
      const granules = random.between(1, most);
      const pointer = arena.alloc(granules);
      fill(arena, pointer, granules, i);
      live.push({ pointer, granules, mark: i });
    } else {
      const index = random.below(live.length);
      const { pointer, granules, mark } = live[index]!;
      if (!isFilled(arena, pointer, granules, mark)) overlaps++;
      arena.free(pointer);
      live[index] = live.at(-1)!;
      live.pop();
    }
  }
  t.equal(overlaps, 0);
  const used = live.reduce((sum, { pointer }) => sum + arena.recordBytes(pointer), 0);
  t.equal(arena.usage().usedBytes, used, 'usedBytes is exact');
  for (const { pointer } of live) arena.free(pointer);
  const { usedBytes, heldBytes, reservedBytes } = arena.usage();
  t.strictSame({ usedBytes, heldBytes }, { usedBytes: 0, heldBytes: 0 });
  t.ok(reservedBytes <= 2 * CHUNK_BYTES, 'empty chunks go back to the system');
  t.end();
});

t.test('memory is prefaulted ahead of what is used, at bytes that no record has', (t) => {
  const random = seededRandom(seed);
  const asked = new Map<Uint8Array, Set<number>>();
  const arena = new Arena({
    memory: {
      prefault: (bytes, at) => {
        const places = asked.get(bytes) ?? new Set();
        asked.set(bytes, places.add(at));
        bytes[at] = 0xff;
      },
    },
  });
  const records: { pointer: number; granules: number }[] = [];
  while (arena.usage().usedBytes < 8 * CHUNK_BYTES) {
    const granules = random.pick([1, 2, 4, 8, 128, 2048, RECORD_BYTES_MAX / 8]);
    const pointer = arena.alloc(granules);
    fill(arena, pointer, granules, 7);
    records.push({ pointer, granules });
  }
  for (const [bytes, places] of asked) for (const at of places) bytes[at] = 0xee;
  const isWhole = records.every(({ pointer, granules }) => isFilled(arena, pointer, granules, 7));
  t.ok(isWhole, 'none is touched');
  const ahead = [...asked.values()].reduce((sum, places) => sum + places.size, 0) * SLAB_BYTES;
  const { heldBytes } = arena.usage();
  t.ok(ahead > heldBytes - 5 * CHUNK_BYTES, `${ahead} of ${heldBytes} bytes, but for the first`);
  for (const { pointer } of records) arena.free(pointer);
  const before = asked.size;
  for (let i = 0; i < 8 * (CHUNK_BYTES / RECORD_BYTES_MAX); i++) arena.alloc(RECORD_BYTES_MAX / 8);
  t.ok(asked.size > before, 'chunks that were released and got anew, too');
  t.end();
});

t.test('a chunk that is got again is mapped longer than one that was released', (t) => {
  const arena = new Arena();
  const lengths: number[] = [];
  for (let round = 0; round < 3; round++) {
    const pointers: number[] = [];
    while (arena.usage().reservedBytes < 4 * CHUNK_BYTES) pointers.push(arena.alloc(10_000));
    // Spares of the round before may be among them.
    lengths.push(Math.max(...arena.u8.map(({ buffer }) => buffer.byteLength)));
    t.ok(
      arena.u8.every(({ length }) => length === CHUNK_BYTES),
      'of which only a chunk is used',
    );
    for (const pointer of pointers) arena.free(pointer);
  }
  t.ok(lengths[0]! < lengths[1]! && lengths[1]! < lengths[2]!, `${lengths.join(' < ')} bytes`);
  t.end();
});

t.test('sizes', (t) => {
  const arena = new Arena();
  for (let granules = 1; granules <= RECORD_BYTES_MAX / 8; granules++) {
    const pointer = arena.alloc(granules);
    const bytes = arena.recordBytes(pointer);
    const most = granules * 8 * (granules <= 4096 ? 1.15 : 1.34);
    if (bytes < granules * 8 || bytes > most || !arena.fits(pointer, granules)) {
      t.fail(`a record of ${granules} granules takes ${bytes} bytes`);
    }
    if (granules <= 140 && bytes !== granules * 8) t.fail('small sizes are exact');
    arena.free(pointer);
  }
  t.end();
});

t.test('memory freed by one size serves another', (t) => {
  const arena = new Arena({ bytesMax: 2 * CHUNK_BYTES });
  for (const granules of [3, 12, 100, 2000, 12]) {
    const pointers = [];
    const count = Math.floor((1.5 * CHUNK_BYTES) / (granules * 8 * 1.2));
    for (let i = 0; i < count; i++) pointers.push(arena.alloc(granules));
    for (const pointer of pointers) arena.free(pointer);
  }
  t.equal(arena.usage().usedBytes, 0);
  t.end();
});

t.test('reserve throws in time, and allocations after it succeed', (t) => {
  const arena = new Arena({ bytesMax: CHUNK_BYTES });
  let count = 0;
  const error = t.throws(() => {
    for (;;) {
      arena.reserve();
      // Every one of these is the first of its slab.
      for (let i = 0; i < 6; i++) arena.alloc(10_000 - (count++ % 7));
    }
  });
  t.ok(error instanceof OutOfMemoryError);
  t.match(error, { code: 'OUT_OF_MEMORY' });
  t.ok(count > 100, `after ${count} records of 80 KiB`);
  t.end();
});
