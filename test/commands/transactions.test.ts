import t from 'tap';
import { LocalNode, localClient } from '../support/local.js';

t.test('MULTI queues, EXEC runs', async (t) => {
  const client = await localClient();
  t.equal(client.send('MULTI'), 'OK');
  t.equal(client.send('MULTI'), '-ERR MULTI calls can not be nested');
  t.equal(client.send('SET', 'a', '1'), 'QUEUED');
  t.equal(client.send('INCR', 'a'), 'QUEUED');
  t.equal(client.send('KRANGE', '-', '+'), 'QUEUED');
  t.same(client.send('EXEC'), ['OK', 2, ['a']]);
  t.equal(client.send('EXEC'), '-ERR EXEC without MULTI');
  t.equal(client.send('DISCARD'), '-ERR DISCARD without MULTI');
});

t.test('a command that cannot be queued spoils the transaction', async (t) => {
  const client = await localClient();
  client.send('MULTI');
  t.match(client.send('NOSUCH'), /^-ERR unknown command 'NOSUCH'/);
  t.equal(client.send('SET', 'a', '1'), 'QUEUED');
  t.equal(client.send('EXEC'), '-EXECABORT Transaction discarded because of previous errors.');
  t.equal(client.send('EXISTS', 'a'), 0);
});

t.test('an error while it runs leaves the rest', async (t) => {
  const client = await localClient();
  client.send('SET', 'a', 'x');
  client.send('MULTI');
  client.send('INCR', 'a');
  client.send('SET', 'b', '1');
  t.same(client.send('EXEC'), ['-ERR value is not an integer or out of range', 'OK']);
});

t.test('DISCARD', async (t) => {
  const client = await localClient();
  client.send('MULTI');
  client.send('SET', 'a', '1');
  t.equal(client.send('DISCARD'), 'OK');
  t.equal(client.send('EXISTS', 'a'), 0);
});

t.test('WATCH', async (t) => {
  const changes: { name: string; change: string[][] }[] = [
    { name: 'a write', change: [['SET', 'k', '2']] },
    { name: 'a delete', change: [['DEL', 'k']] },
    {
      name: 'there and gone again',
      change: [
        ['SET', 'absent', '1'],
        ['DEL', 'absent'],
      ],
    },
    { name: 'a new expiry', change: [['EXPIRE', 'k', '100']] },
    { name: 'a flush', change: [['FLUSHDB']] },
    { name: 'a range delete', change: [['KDELRANGE', '-', '+']] },
    {
      name: 'a rename onto it',
      change: [
        ['SET', 'x', '1'],
        ['RENAME', 'x', 'k'],
      ],
    },
    { name: 'an append', change: [['APPEND', 'k', 'x']] },
    { name: 'a swap', change: [['SWAPDB', '0', '1']] },
  ];
  for (const { name, change } of changes) {
    const local = await new LocalNode().start();
    const watcher = local.client();
    const other = local.client();
    watcher.send('SET', 'k', '1');
    watcher.send('WATCH', 'k', 'absent');
    for (const command of change) other.send(...command);
    watcher.send('MULTI');
    watcher.send('PING');
    t.equal(watcher.send('EXEC'), null, name);
  }
});

t.test('what does not disturb a watch', async (t) => {
  const local = await new LocalNode().start();
  const watcher = local.client();
  const other = local.client();
  watcher.send('SET', 'k', '1');
  watcher.send('WATCH', 'k');
  other.send('GET', 'k');
  other.send('SET', 'l', '1');
  other.send('SELECT', '1');
  other.send('SET', 'k', '1');
  watcher.send('MULTI');
  watcher.send('PING');
  t.same(watcher.send('EXEC'), ['PONG']);
  t.equal(watcher.send('WATCH', 'k'), 'OK');
  other.send('SELECT', '0');
  other.send('SET', 'k', '1');
  t.equal(watcher.send('UNWATCH'), 'OK');
  watcher.send('MULTI');
  t.same(watcher.send('EXEC'), []);
});

t.test('a watched key that expires has changed', async (t) => {
  const client = await localClient();
  client.send('SET', 'k', '1', 'PX', '10');
  client.send('WATCH', 'k');
  client.world.nowMs += 20;
  client.send('MULTI');
  client.send('PING');
  t.equal(client.send('EXEC'), null);
});

t.test('WATCH inside MULTI is refused', async (t) => {
  const client = await localClient();
  client.send('MULTI');
  t.equal(client.send('WATCH', 'k'), '-ERR WATCH inside MULTI is not allowed');
});
