import t from 'tap';
import { LocalNode } from '../support/local.js';

t.test('shows what others do', async (t) => {
  const node = await new LocalNode().start();
  const monitor = node.client();
  const client = node.client();
  t.equal(monitor.send('MONITOR'), 'OK');
  client.send('SET', 'a"b', 'x\r\n\x00\xff');
  client.send('SELECT', '3');
  client.send('AUTH', 'default', 'secret');
  client.send('CONFIG', 'GET', 'port');
  client.send('MULTI');
  client.send('GET', 'k');
  client.send('EXEC');
  t.same(monitor.received(), [
    '1767225600.000000 [0 127.0.0.1:50000] "SET" "a\\"b" "x\\r\\n\\x00\\xff"',
    '1767225600.000000 [3 127.0.0.1:50000] "SELECT" "3"',
    '1767225600.000000 [3 127.0.0.1:50000] "AUTH" "(redacted)" "(redacted)"',
    '1767225600.000000 [3 127.0.0.1:50000] "MULTI"',
    '1767225600.000000 [3 127.0.0.1:50000] "GET" "k"',
    '1767225600.000000 [3 127.0.0.1:50000] "EXEC"',
  ]);
  t.match(client.send('CLIENT', 'LIST'), / flags=O /);
  t.equal(monitor.send('RESET'), 'RESET');
  client.send('SET', 'a', '1');
  t.same(monitor.received(), []);
  t.equal(monitor.send('GET', 'a'), null);
});

t.test('one that wants no replies and sees itself', async (t) => {
  const node = await new LocalNode().start();
  const monitor = node.client();
  const client = node.client();
  monitor.link.send(Buffer.from('CLIENT REPLY OFF\r\nMONITOR\r\nPING\r\n'));
  client.send('PING');
  t.match(monitor.received(), [/"PING"$/]);
  t.equal(monitor.send('RESET'), 'RESET');
});

t.test('one that does not read is cut off', async (t) => {
  const node = await new LocalNode().start();
  const monitor = node.client();
  const client = node.client();
  monitor.send('MONITOR');
  monitor.link.stuck = true;
  const value = 'x'.repeat(1024 * 1024);
  for (let i = 0; i < 40 && !monitor.link.closed; i += 1) client.send('SET', 'k', value);
  t.ok(monitor.link.closed);
  t.equal(client.send('PING'), 'PONG');
});
