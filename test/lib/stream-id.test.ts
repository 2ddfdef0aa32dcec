/** Ids of streams against BigInts: order, neighbours, bytes and texts. */
import t from 'tap';
import { ID_BYTES, ID_TEXT_MAX, StreamId } from '../../lib/types/stream-id.js';
import { seededRandom, seedOfRun } from '../support/random.js';

const TWO_64 = 1n << 64n;
const EDGES = [0n, 1n, 9n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 10n ** 15n, 2n ** 49n, 2n ** 53n];

t.test('as two BigInts', async (t) => {
  const random = seededRandom(seedOfRun());
  const number = (): bigint => {
    const edge = random.pick([...EDGES, TWO_64 - 1n, 1_700_000_000_000n]);
    const value = edge + BigInt(random.between(-2, 2));
    return value < 0n || value >= TWO_64 ? edge : value;
  };
  const [a, b] = [new StreamId(), new StreamId()];
  const [bytes, other] = [Buffer.alloc(ID_BYTES), Buffer.alloc(ID_BYTES)];
  const text = Buffer.alloc(ID_TEXT_MAX);
  for (let round = 0; round < 5000; round += 1) {
    const [x, y] = [number() * TWO_64 + number(), number() * TWO_64 + number()];
    a.setBig(x / TWO_64, x % TWO_64);
    b.setBig(y / TWO_64, y % TWO_64);
    const order = x < y ? -1 : x > y ? 1 : 0;
    const say = `${x} ${y}, seed ${random.seed}`;
    if (Math.sign(a.compare(b)) !== order) t.fail(`compare ${say}`);
    a.store(bytes, 0);
    b.store(other, 0);
    if (Math.sign(bytes.compare(other)) !== order) t.fail(`bytes ${say}`);
    b.load(bytes, 0);
    if (b.compare(a) !== 0) t.fail(`load ${say}`);
    const written = text.toString('latin1', 0, a.write(text, 0));
    if (written !== `${x / TWO_64}-${x % TWO_64}`) t.fail(`text ${written}: ${say}`);
    if (!b.parse(Buffer.from(written), 0, written.length, false, 0)) t.fail(`parse ${say}`);
    if (b.compare(a) !== 0) t.fail(`parse ${say}`);
    const hasNext = b.increment();
    if (hasNext && b.ms * TWO_64 + b.seq !== x + 1n) t.fail(`increment ${say}`);
    if (hasNext !== x + 1n < TWO_64 * TWO_64) t.fail(`increment ${say}`);
    b.copy(a);
    const hasPrevious = b.decrement();
    if (hasPrevious !== x > 0n) t.fail(`decrement ${say}`);
    if (hasPrevious && b.ms * TWO_64 + b.seq !== x - 1n) t.fail(`decrement ${say}`);
  }
  t.pass('all alike');
});
