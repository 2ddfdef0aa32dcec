import t from 'tap';
import { LocalNode, localClient } from '../support/local.js';

t.test('TIME, LASTSAVE, ROLE, MODULE', async (t) => {
  const client = await localClient();
  client.world.advance(1234);
  t.same(client.send('TIME'), ['1767225601', '234000']);
  t.equal(client.send('LASTSAVE'), 1767225600);
  t.same(client.send('ROLE'), ['master', 0, []]);
  t.same(client.send('MODULE', 'LIST'), []);
  t.match(client.send('MODULE', 'LOAD', '/x'), /^-ERR modules of Redis cannot be loaded/);
});

t.test('SHUTDOWN', async (t) => {
  let stops = 0;
  const node = new LocalNode();
  const { processInfo } = node.node.server;
  Object.assign(node.node.server, {
    processInfo: {
      ...processInfo,
      shutdown: () => {
        stops += 1;
      },
    },
  });
  await node.start();
  const client = node.client();
  t.equal(client.send('SHUTDOWN', 'x'), '-ERR syntax error');
  t.equal(client.send('SHUTDOWN', 'SAVE', 'NOSAVE'), '-ERR syntax error');
  t.equal(client.send('SHUTDOWN', 'ABORT', 'NOW'), '-ERR syntax error');
  t.equal(client.send('SHUTDOWN', 'ABORT'), '-ERR No shutdown in progress.');
  t.match(client.send('SHUTDOWN', 'SAVE'), /^-ERR nothing is kept on disk/);
  t.equal(stops, 0);
  t.equal(client.send('SHUTDOWN', 'NOSAVE', 'NOW', 'FORCE'), '(no reply)');
  t.equal(stops, 1);
  t.ok(client.link.closed);
});

t.test('LOLWUT ends with a line of versions', async (t) => {
  const client = await localClient();
  for (const args of [[], ['VERSION', '5'], ['3'], ['VERSION', '6', '64'], ['-7'], ['1']]) {
    const text = client.text('LOLWUT', ...args);
    t.match(text, /\ndhash ver\. \d+\.\d+\.\d+ \(Redis ver\. 7\.2\.\d+\)\n$/);
    t.equal(text.split('\n').length, 34, args.join(' '));
  }
  t.match(client.send('LOLWUT', 'VERSION', 'x'), /^-ERR value is not an integer/);
});

t.test('refused by name', async (t) => {
  const client = await localClient();
  t.match(client.send('REPLICAOF', '127.0.0.1', '1'), /^-ERR a dhash node is neither master nor/);
  t.equal(client.send('REPLICAOF', 'NO', 'ONE'), 'OK', 'which it is already');
  t.match(client.send('PSYNC', '?', '-1'), /^-ERR a dhash node is neither/);
  t.match(client.send('CLUSTER', 'ADDSLOTS', '1'), /^-ERR a ring has no slots to manage/);
  t.match(client.send('CLUSTER', 'X'), /^-ERR unknown subcommand 'X'\. Try CLUSTER HELP/);
  t.equal(client.send('READONLY'), '-ERR This instance has cluster support disabled');
  for (const name of ['SAVE', 'BGSAVE']) {
    t.match(
      client.send(name),
      /^-ERR nothing is kept on disk: start the node with --dir, or/,
      name,
    );
  }
  t.match(client.send('BGREWRITEAOF'), /^-ERR nothing is kept on disk/);
  t.match(client.send('MIGRATE', 'h', '1', 'k', '0', '10'), /^-ERR MIGRATE is not supported/);
});

t.test('DHASH', async (t) => {
  const client = await localClient();
  t.equal(client.send('DHASH', 'HASH', 'hello'), 'cbd8a7b341bd9b025b1e906a48ae1d19');
  t.equal(
    client.send('DHASH', 'hash', 'hello', 'prefix'),
    'cbd8a7b341bd9b025b1e906a48ae1d19:hello',
  );
  t.equal(client.send('DHASH', 'HASH', 'hello', 'x'), '-ERR syntax error');
  t.match(client.send('DHASH', 'HELP'), [/^DHASH <subcommand>/]);
  t.match(client.send('DHASH', 'NOPE'), /^-ERR unknown subcommand/);
});
