import t from 'tap';
import { localClient } from '../support/local.js';

t.test('keeps commands, the newest first', async (t) => {
  const client = await localClient((settings) => {
    settings.slowlogLogSlowerThan = 0;
    settings.slowlogMaxLen = 3;
  });
  client.send('CLIENT', 'SETNAME', 'me');
  client.send('SET', 'k', 'v');
  client.send('GET', 'k');
  t.equal(client.send('SLOWLOG', 'LEN'), 3);
  const [first] = client.send('SLOWLOG', 'GET', '1') as unknown[][];
  t.match(first, [3, 1767225600, 0, ['SLOWLOG', 'LEN'], '127.0.0.1:50000', 'me']);
  const ids = (client.send('SLOWLOG', 'GET', '-1') as unknown[][]).map((entry) => entry[0]);
  t.same(ids, [4, 3, 2]);
  t.equal(client.send('SLOWLOG', 'RESET'), 'OK');
  t.equal(client.send('SLOWLOG', 'LEN'), 1, 'RESET itself');
  const text = '-ERR count should be greater than or equal to -1';
  t.equal(client.send('SLOWLOG', 'GET', '-2'), text);
  t.equal(client.send('SLOWLOG', 'GET', 'x'), text);
});

t.test('long commands are cut, and passwords hidden', async (t) => {
  const client = await localClient((settings) => {
    settings.slowlogLogSlowerThan = 0;
  });
  client.send('CONFIG', 'SET', 'requirepass', 'secret');
  client.send('AUTH', 'secret');
  client.send('MGET', ...Array.from({ length: 40 }, (_, i) => `k${i}`));
  client.send('ECHO', 'x'.repeat(200));
  const entries = client.send('SLOWLOG', 'GET', '4') as [number, number, number, string[]][];
  const [echo, mget, auth, config] = entries.map((entry) => entry[3]);
  t.same(echo, ['ECHO', `${'x'.repeat(128)}... (72 more bytes)`]);
  t.equal(mget?.length, 32);
  t.equal(mget?.[31], '... (10 more arguments)');
  t.same(auth, ['AUTH', '(redacted)']);
  t.same(config, ['CONFIG', 'SET', 'requirepass', '(redacted)']);
});

t.test('CONFIG SET shortens it', async (t) => {
  const client = await localClient((settings) => {
    settings.slowlogLogSlowerThan = 0;
  });
  for (let i = 0; i < 10; i += 1) client.send('PING');
  t.equal(client.send('SLOWLOG', 'LEN'), 10);
  client.send('CONFIG', 'SET', 'slowlog-log-slower-than', '-1', 'slowlog-max-len', '4');
  t.equal(client.send('SLOWLOG', 'LEN'), 4);
});
