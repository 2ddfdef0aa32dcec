/** Scripts beside what else a node does: blocked clients, messages, client-side caches. */
import t from 'tap';
import { LocalNode } from '../support/local.js';
import { queueCommands } from '../support/queue-commands.js';

t.test('who waits for a key is served after the script, not within it', async (t) => {
  const local = await new LocalNode(() => {}, queueCommands).start();
  const [waiter, caller] = [local.client(), local.client()];
  waiter.post('BQPOP', 'k', '0');
  const script = 'redis.call("qpush", "k", "ab"); return redis.call("get", "k")';
  t.equal(caller.send('EVAL', script, 0), 'ab');
  t.same(waiter.received(), [['k', 'a']]);
});

t.test('nor while a slow one is suspended', async (t) => {
  const local = new LocalNode(() => {}, queueCommands);
  local.world.lookMs = 0.1;
  await local.start();
  const [waiter, caller, other] = [local.client(), local.client(), local.client()];
  waiter.post('BQPOP', 'k', '0');
  const script =
    'redis.call("qpush", "k", "ab"); for i = 1, 3e6 do end; return redis.call("get", "k")';
  caller.post('EVAL', script, 0);
  t.ok(local.node.server.scripts.runner.running !== undefined, 'it is suspended');
  other.post('PING');
  t.same(waiter.received(), []);
  let replies = caller.received();
  for (let turn = 0; turn < 10_000 && replies.length === 0; turn += 1) {
    local.world.turn();
    replies = caller.received();
  }
  t.same(replies, ['ab'], 'as if nobody had waited');
  t.same(waiter.received(), [['k', 'a']]);
  t.same(other.received(), ['PONG']);
});

t.test('messages of a script arrive, also with its own caller, behind the reply', async (t) => {
  const local = await new LocalNode().start();
  const [subscriber, caller] = [local.client(), local.client()];
  t.same(subscriber.send('SUBSCRIBE', 'c'), ['subscribe', 'c', 1]);
  t.equal(caller.send('EVAL', 'return redis.call("publish", "c", "m")', 0), 1);
  t.same(subscriber.received(), [['message', 'c', 'm']]);
});

t.test('what a script reads, its caller is told of when it changes', async (t) => {
  const local = await new LocalNode().start();
  const [caller, other] = [local.client(), local.client()];
  caller.send('HELLO', 3);
  t.equal(caller.send('CLIENT', 'TRACKING', 'ON'), 'OK');
  t.equal(caller.send('EVAL', 'return redis.call("get", KEYS[1])', 1, 'k'), null);
  t.equal(other.send('SET', 'k', '1'), 'OK');
  const [message] = caller.received() as unknown as [{ items: [Buffer, Buffer[]] }];
  t.same(message.items, [Buffer.from('invalidate'), [Buffer.from('k')]]);
});
