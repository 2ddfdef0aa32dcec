/** SETOP over big operands, which takes many turns, with writers in between. */
import t from 'tap';
import { Evaluation } from '../../lib/commands/setop/evaluation.js';
import { readSetopRequest } from '../../lib/commands/setop/setop-request.js';
import { END } from '../../lib/commands/setop/walk.js';
import { Args } from '../../resp/args.js';
import { LocalNode } from '../support/local.js';
import { Scene } from '../support/scene.js';

const COUNT = 12_000;

function element(i: number): string {
  return `m${String(i).padStart(6, '0')}`;
}

function elements(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => element(from + i));
}

/** A hash and a set that share half of their elements, and a sorted set of few. */
function filled(): Promise<Scene> {
  return Scene.filled((writer) => {
    writer.send('HSET', 'h', ...elements(0, COUNT).flatMap((field, i) => [field, String(i)]));
    writer.send('SADD', 's', ...elements(COUNT / 2, COUNT + COUNT / 2));
    writer.send('ZADD', 'z', '1', element(5), '2', element(COUNT - 5), '3', 'none');
  });
}

/** What all clients see change, over and over. */
function disturb({ writer }: Scene, turn: number): void {
  writer.send('HSET', 'h', element((turn * 997) % COUNT), 'changed', `new${turn}`, 'new');
  writer.send('HDEL', 'h', element((turn * 991) % COUNT));
  writer.send('SREM', 's', element(COUNT / 2 + ((turn * 983) % COUNT)));
  writer.send('SADD', 's', `${element((turn * 977) % COUNT)}x`);
  if (turn === 5) writer.send('DEL', 'z');
}

const replies: readonly (readonly [expression: string, options: string[], wanted: string[]])[] = [
  ['(U h s z)', [], [...elements(0, COUNT + COUNT / 2), 'none']],
  ['(I h s)', [], elements(COUNT / 2, COUNT)],
  ['(D h s)', [], elements(0, COUNT / 2)],
  [
    '(X h s)',
    ['REV'],
    [...elements(COUNT, COUNT + COUNT / 2).reverse(), ...elements(0, COUNT / 2).reverse()],
  ],
  [
    '(U:First h s)',
    ['WITHVALUES', 'LIMIT', '10', String(COUNT)],
    [
      ...elements(10, COUNT).flatMap((each, i) => [each, String(i + 10)]),
      ...elements(COUNT, COUNT + 10).flatMap((each) => [each, '1']),
    ],
  ],
];

for (const [expression, options, wanted] of replies) {
  t.test(`${expression} ${options.join(' ')} is told as it was at the start`, async (t) => {
    const scene = await filled();
    scene.reader.post('SETOP', expression, ...options);
    const { reply, turns } = scene.awaitReply((turn) => disturb(scene, turn));
    t.ok(turns > 5, `${turns} turns`);
    t.ok(JSON.stringify(reply) === JSON.stringify(wanted), 'nothing that came later');
    scene.checkStore(t);
    scene.checkMemory(t);
  });
}

t.test('a fault at the very end comes instead of a reply', async (t) => {
  const scene = await filled();
  scene.writer.send('HSET', 'h', 'zzz', 'abc');
  scene.reader.post('SETOP', '(U:IntegerSum h s)', 'WITHVALUES');
  const { reply, turns } = scene.awaitReply();
  t.ok(turns > 5, `${turns} turns`);
  t.equal(reply, '-ERR IntegerSum of "zzz": value is not an integer or out of range');
  t.equal(scene.reader.send('PING'), 'PONG');
  scene.checkStore(t);
  scene.checkMemory(t);
});

t.test('STORE is seen as one step', async (t) => {
  const scene = await filled();
  const { reader, writer } = scene;
  writer.send('SET', 'd', 'old');
  reader.post('SETOP', '(U:FloatSum h s*0.5)', 'STORE', 'd');
  const { reply, turns } = scene.awaitReply(() => {
    t.equal(writer.send('GET', 'd'), 'old');
  });
  t.ok(turns > 5, `${turns} turns`);
  t.equal(reply, COUNT + COUNT / 2);
  t.equal(writer.send('HGET', 'd', element(COUNT / 2)), String(COUNT / 2 + 0.5));
  t.equal(writer.send('HLEN', 'd'), COUNT + COUNT / 2);
  scene.checkStore(t);
  scene.checkMemory(t);
});

t.test('STORE begins again when an operand or the target changes', async (t) => {
  const scene = await filled();
  const { reader, writer } = scene;
  reader.post('SETOP', '(I h s)', 'STORE', 'd', 'AS', 'SET');
  const first = scene.awaitReply((turn) => {
    if (turn === 2) writer.send('HSET', 'h', 'x', '1');
    if (turn === 2) writer.send('SADD', 's', 'x');
    if (turn === 4) writer.send('SADD', 'd', 'lost');
  });
  t.equal(first.reply, COUNT / 2 + 1);
  t.same(writer.send('SMISMEMBER', 'd', 'x', 'lost'), [1, 0]);
  reader.post('SETOP', '(U h s)', 'STORE', 'd', 'AS', 'SET');
  const second = scene.awaitReply((turn) => {
    if (turn === 3) writer.send('SET', 's', 'x');
  });
  t.match(second.reply, /^-WRONGTYPE/);
  t.equal(writer.send('SCARD', 'd'), COUNT / 2 + 1, 'the target is as it was');
  reader.post('SETOP', '(U:First h)', 'STORE', 'h', 'AS', 'ZSET');
  t.equal(scene.awaitReply().reply, COUNT + 1);
  t.equal(writer.send('ZSCORE', 'h', element(7)), '7');
  scene.checkStore(t);
  scene.checkMemory(t);
});

t.test('STORE ends though somebody writes all the time', async (t) => {
  const scene = await filled();
  scene.reader.post('SETOP', '(D h s)', 'STORE', 'd', 'AS', 'SET');
  const { reply } = scene.awaitReply((turn) => scene.writer.send('HSET', 'h', 'new', turn));
  t.equal(reply, COUNT / 2 + 1);
  scene.checkStore(t);
  scene.checkMemory(t);
});

for (const tail of [[], ['STORE', 'd', 'AS', 'SET']]) {
  t.test(`a client that goes away leaves nothing behind ${tail.join(' ')}`, async (t) => {
    for (const turns of [0, 1, 4, 12]) {
      const scene = await filled();
      scene.reader.post('SETOP', '(U h s)', ...tail);
      for (let turn = 0; turn < turns; turn += 1) scene.local.world.turn();
      scene.reader.link.destroy();
      scene.local.world.turn();
      t.equal(scene.writer.send('EXISTS', 'd'), 0);
      scene.checkStore(t);
      scene.checkMemory(t);
    }
  });
}

t.test('FLUSHALL meanwhile', async (t) => {
  const scene = await filled();
  const { reader, writer } = scene;
  reader.post('SETOP', '(U h s)');
  const read = scene.awaitReply((turn) => turn === 3 && writer.send('FLUSHALL'));
  t.equal((read.reply as string[]).length, COUNT + COUNT / 2, 'as it was');
  writer.send('SADD', 's', ...elements(0, COUNT));
  reader.post('SETOP', '(U s)', 'STORE', 'd');
  const stored = scene.awaitReply((turn) => turn === 3 && writer.send('FLUSHALL'));
  t.equal(stored.reply, 0);
  t.equal(writer.send('DBSIZE'), 0);
  scene.checkStore(t);
  scene.checkMemory(t);
});

t.test('in MULTI it runs to its end at once', async (t) => {
  const scene = await filled();
  const { reader } = scene;
  reader.send('MULTI');
  reader.send('SETOP', '(I h s)', 'STORE', 'd', 'AS', 'SET');
  reader.send('SETOP', '(I:First h s)', 'WITHVALUES');
  reader.post('EXEC');
  const { reply, turns } = scene.awaitReply();
  const [stored, told] = reply as [number, string[]];
  t.equal(turns, 0);
  t.equal(stored, COUNT / 2);
  t.equal(told.length, COUNT);
  scene.checkStore(t);
  scene.checkMemory(t);
});

/** Steps that a walk over an expression takes, from its first to its last element. */
function stepsOf(local: LocalNode, expression: string): number {
  const request = readSetopRequest(Args.of('SETOP', expression));
  if (typeof request === 'string') throw new Error(request);
  const evaluation = Evaluation.open(local.node.store.databases[0]!, request, true)!;
  const { selection, walk } = evaluation;
  const steps = 1_000_000;
  walk.steps = steps;
  while (selection.next() !== END);
  evaluation.close();
  return steps - walk.steps;
}

t.test('an intersection leaps', async (t) => {
  const local = await new LocalNode().start();
  const client = local.client();
  client.send('SADD', 'big', ...elements(0, 50_000));
  client.send('HSET', 'few', ...[7, 20_000, 49_999].flatMap((i) => [element(i), 'v']));
  client.send('ZADD', 'last', '1', element(49_999));
  t.ok(stepsOf(local, '(I big few)') < 50);
  t.ok(stepsOf(local, '(I (U big big) few)') < 80, 'through a union');
  t.ok(stepsOf(local, '(I (D big last) few)') < 80, 'through a difference');
  t.ok(stepsOf(local, '(I (X big last) few)') < 80, 'through an exclusive one');
  t.ok(stepsOf(local, '(D few big)') < 50, 'what is taken away is leapt over');
  t.ok(stepsOf(local, '(U big few)') >= 50_000, 'a union does not');
});
