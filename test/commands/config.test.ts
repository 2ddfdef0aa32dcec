import t from 'tap';
import { LocalNode, localClient } from '../support/local.js';

t.test('GET and SET', async (t) => {
  const client = await localClient();
  t.same(client.send('CONFIG', 'GET', 'maxclients'), ['maxclients', '10000']);
  t.same(client.send('CONFIG', 'GET', 'maxcl*', 'nope', 'maxclients'), ['maxclients', '10000']);
  t.equal(client.send('CONFIG', 'SET', 'maxclients', '5', 'timeout', '7'), 'OK');
  t.same(client.send('CONFIG', 'GET', 'maxclients'), ['maxclients', '5']);
  t.same(client.send('CONFIG', 'GET', 'timeout'), ['timeout', '7']);
  t.match(client.send('CONFIG', 'SET', 'maxclients'), /^-ERR wrong number of arguments/);
  t.equal(client.send('CONFIG', 'SET', 'maxclients', '5', 'timeout'), '-ERR syntax error');
  t.match(client.send('CONFIG', 'SET', 'nope', '1'), /^-ERR Unknown option or number of argument/);
  t.match(
    client.send('CONFIG', 'SET', 'maxclients', '7', 'timeout', 'x'),
    /^-ERR CONFIG SET failed/,
  );
  t.same(client.send('CONFIG', 'GET', 'maxclients'), ['maxclients', '5'], 'all or nothing');
});

t.test('RESETSTAT', async (t) => {
  const client = await localClient();
  client.send('GET', 'k');
  client.send('NOPE');
  t.match(client.send('INFO', 'stats'), /keyspace_misses:1\r\n/);
  t.equal(client.send('CONFIG', 'RESETSTAT'), 'OK');
  const text = client.text('INFO', 'stats', 'commandstats', 'errorstats');
  t.match(text, /keyspace_misses:0\r\n/);
  t.match(text, /total_error_replies:0\r\n/);
  t.notMatch(text, /cmdstat_get/);
  t.notMatch(text, /errorstat_/);
});

t.test('REWRITE', async (t) => {
  const without = await localClient();
  t.equal(without.send('CONFIG', 'REWRITE'), '-ERR The server is running without a config file');

  let text = '# mine\nmaxclients 10\n';
  const node = new LocalNode();
  const { processInfo } = node.node.server;
  Object.assign(node.node.server, {
    processInfo: {
      ...processInfo,
      config: {
        read: async () => text,
        write: async (written: string) => {
          text = written;
        },
      },
    },
  });
  await node.start();
  const client = node.client();
  client.send('CONFIG', 'SET', 'maxclients', '77');
  client.link.send(Buffer.from('CONFIG REWRITE\r\nPING\r\n'));
  t.same(client.received(), [], 'waits for the file');
  await new Promise((resolve) => setImmediate(resolve));
  t.same(client.received(), ['OK', 'PONG']);
  t.match(text, /# mine\n/);
  t.match(text, /maxclients 77\n/);
});
