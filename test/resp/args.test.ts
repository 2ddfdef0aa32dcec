/** Arguments, and names found by their bytes. */
import t from 'tap';
import { Args } from '../../resp/args.js';
import { copyBytes, copyWords } from '../../resp/bytes.js';
import { NameTable } from '../../resp/names.js';
import { seededRandom, seedOfRun } from '../support/random.js';

t.test('what an argument can be read as', async (t) => {
  const args = Args.of('set', Buffer.from([0, 13, 10, 255]), 'héllo', '-42', '1.5', '');
  t.equal(args.count, 6);
  t.equal(args.length(1), 4);
  t.equal(args.byte(1, 3), 255);
  t.equal(args.string(1), '\0\r\n\xff');
  t.equal(args.utf8(2), 'héllo');
  t.same(args.bytes(1), Buffer.from([0, 13, 10, 255]));
  t.equal(args.int64(3), -42);
  t.equal(args.float(4), 1.5);
  t.equal(args.string(5), '');
  t.ok(Number.isNaN(args.int64(5)));
  t.ok(args.equalsIgnoreCase(0, 'SET'));
  t.notOk(args.equalsIgnoreCase(0, 'SETX'));
  t.notOk(args.equalsIgnoreCase(0, 'SEX'));
  t.notOk(Args.of('{et').equalsIgnoreCase(0, '[ET'), 'only letters fold');
  t.equal(args.hash(0), Args.of('SeT').hash(0));
});

t.test('a clone outlives the buffer', async (t) => {
  const args = Args.of('SET', 'key', '', 'value');
  const copy = args.clone();
  args.buf.fill(0);
  args.count = 0;
  t.same(
    [0, 1, 2, 3].map((i) => copy.string(i)),
    ['SET', 'key', '', 'value'],
  );
  t.equal(copy.buf.length, 11, 'and holds nothing else');
  t.same(new Args().clone().count, 0);
});

t.test('names against a map', async (t) => {
  const random = seededRandom(seedOfRun());
  const table = new NameTable<number>();
  const model = new Map<string, number>();
  const letters = 'abcABC-|_09{[@`';
  const name = (): string =>
    Array.from({ length: random.below(6) }, () => random.pick([...letters])).join('');
  for (let i = 0; i < 5000; i++) {
    const text = name();
    if (random.chance(0.3)) {
      table.add(text, i);
      model.set(text.toUpperCase(), i);
    }
    const sought = Buffer.from(`x${name()}`);
    const expected = model.get(sought.toString('latin1', 1).toUpperCase());
    if (table.find(sought, 1, sought.length) !== expected) t.fail(`seed ${random.seed}`);
  }
  t.equal(table.size, model.size);
  for (const [text, value] of model) t.equal(table.get(text.toLowerCase()), value);
  t.throws(() => table.add('é', 1), { message: 'names are ASCII' });
});

t.test('copies', async (t) => {
  const random = seededRandom(seedOfRun());
  const words = new Int32Array(256);
  const source = Buffer.from(words.buffer);
  random.bytes(1024).copy(source);
  for (let bytes = 0; bytes <= 400; bytes++) {
    const target = Buffer.alloc(1024);
    const at = random.below(500);
    const from = random.below(100);
    copyBytes(source, from, from + bytes, target, at);
    t.ok(target.subarray(at, at + bytes).equals(source.subarray(from, from + bytes)));
    t.ok(
      target.subarray(at + bytes).every((byte) => byte === 0),
      'nothing behind it',
    );
    const view = new DataView(target.buffer, target.byteOffset, target.length);
    copyWords(words, 25, bytes, target, view, at);
    t.ok(target.subarray(at, at + bytes).equals(source.subarray(100, 100 + bytes)));
    t.ok(
      target.subarray(at + bytes + 3).every((byte) => byte === 0),
      'three bytes at most',
    );
  }
});
