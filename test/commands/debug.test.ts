import t from 'tap';
import { type LocalClient, LocalNode, localClient } from '../support/local.js';

function allowed(): Promise<LocalClient> {
  return localClient((settings) => {
    settings.enableDebugCommand = 'yes';
  });
}

t.test('is behind a setting', async (t) => {
  const client = await localClient();
  t.match(client.send('DEBUG', 'DIGEST'), /^-ERR DEBUG command not allowed\. If the/);
  const node = await new LocalNode((settings) => {
    settings.enableDebugCommand = 'local';
    settings.protectedMode = false;
  }).start();
  t.match(node.client().send('DEBUG', 'DIGEST'), /^0{40}$/);
  t.match(node.client('10.0.0.1').send('DEBUG', 'DIGEST'), /^-ERR DEBUG command not allowed/);
});

// The hashes are those of redis-server 7.0.15.
t.test("DIGEST and DIGEST-VALUE are Redis's", async (t) => {
  const client = await allowed();
  t.equal(client.send('DEBUG', 'DIGEST'), '0'.repeat(40));
  client.send('SET', 'a', '1');
  t.equal(client.send('DEBUG', 'DIGEST'), '943d800368fb9c0e951138f1bc0e313ac769d91f');
  t.same(client.send('DEBUG', 'DIGEST-VALUE', 'a', 'b'), [
    'b4fc66738120fba0b5aa500ab5c2bf89cea1c5da',
    '0'.repeat(40),
  ]);
  client.send('EXPIRE', 'a', '100');
  t.equal(client.send('DEBUG', 'DIGEST'), '0c68bbcf4ad5c984f8ca839729889d52ec025271');
  client.send('SELECT', '3');
  client.send('SET', 'a', '1');
  t.equal(client.send('DEBUG', 'DIGEST'), 'cee5ad3ba881a35ab064063d2a1547eb7351d77b');
});

t.test('DIGEST knows no order, and leaves out what has expired', async (t) => {
  const first = await allowed();
  const second = await allowed();
  for (let i = 0; i < 1000; i += 1) {
    first.send('SET', `k${i}`, `${i}`);
    second.send('SET', `k${999 - i}`, `${999 - i}`);
  }
  second.send('SET', 'gone', 'x', 'PX', '1');
  second.send('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
  second.world.advance(1000);
  t.equal(first.send('DEBUG', 'DIGEST'), second.send('DEBUG', 'DIGEST'));
  second.send('APPEND', 'k1', 'x');
  t.not(first.send('DEBUG', 'DIGEST'), second.send('DEBUG', 'DIGEST'));
});

t.test('OBJECT', async (t) => {
  const client = await allowed();
  client.send('SET', 'n', '12345');
  client.send('SET', 's', 'a'.repeat(40));
  t.match(
    client.send('DEBUG', 'OBJECT', 'n'),
    /^Value at:0x[0-9a-f]+ refcount:1 encoding:int serializedlength:3 lru:\d+ lru_seconds_idle:0$/,
  );
  t.match(client.send('DEBUG', 'OBJECT', 's'), / encoding:embstr serializedlength:\d+ /);
  t.equal(client.send('DEBUG', 'OBJECT', 'nope'), '-ERR no such key');
});

t.test('SLEEP holds everybody back', async (t) => {
  const node = await new LocalNode((settings) => {
    settings.enableDebugCommand = 'yes';
  }).start();
  const sleeper = node.client();
  const other = node.client();
  sleeper.link.send(Buffer.from('DEBUG SLEEP 0.55\r\nPING\r\n'));
  other.link.send(Buffer.from('ECHO x\r\n'));
  node.world.advance(500);
  t.same([...sleeper.received(), ...other.received()], []);
  node.world.advance(60);
  t.same(sleeper.received(), ['OK', 'PONG']);
  t.same(other.received(), ['x']);
  t.equal(sleeper.send('DEBUG', 'SLEEP', '0'), 'OK');
  sleeper.send('MULTI');
  sleeper.send('DEBUG', 'SLEEP', '1');
  t.match(sleeper.send('EXEC'), [/not allowed inside a transaction/]);
});

t.test('SLEEP of a client that leaves', async (t) => {
  const node = await new LocalNode((settings) => {
    settings.enableDebugCommand = 'yes';
  }).start();
  const sleeper = node.client();
  const other = node.client();
  sleeper.link.send(Buffer.from('DEBUG SLEEP 1\r\n'));
  sleeper.link.destroy();
  other.link.send(Buffer.from('ECHO x\r\n'));
  node.world.advance(1100);
  t.same(other.received(), ['x']);
});

t.test('SET-ACTIVE-EXPIRE', async (t) => {
  const client = await allowed();
  t.equal(client.send('DEBUG', 'SET-ACTIVE-EXPIRE', '0'), 'OK');
  client.send('SET', 'k', 'v', 'PX', '10');
  client.world.advance(1000);
  t.match(client.send('INFO', 'stats'), /expired_keys:0\r\n/);
  t.equal(client.send('DEBUG', 'SET-ACTIVE-EXPIRE', '1'), 'OK');
  client.world.advance(1000);
  t.match(client.send('INFO', 'stats'), /expired_keys:1\r\n/);
});

t.test('POPULATE, ERROR, PROTOCOL, HELP', async (t) => {
  const client = await allowed();
  client.send('SET', 'key:3', 'mine');
  t.equal(client.send('DEBUG', 'POPULATE', '1000'), 'OK');
  t.equal(client.send('DBSIZE'), 1000);
  t.equal(client.send('GET', 'key:3'), 'mine');
  t.equal(client.send('GET', 'key:999'), 'value:999');
  t.equal(client.send('DEBUG', 'POPULATE', '2', 'p', '10'), 'OK');
  t.equal(client.send('GET', 'p:1'), 'value:1\0\0\0');
  t.equal(client.send('DEBUG', 'ERROR', 'FOO a\r\nb'), '-FOO a  b');
  t.equal(client.send('DEBUG', 'PROTOCOL', 'integer'), 12345);
  t.same(client.send('DEBUG', 'PROTOCOL', 'map'), [0, 0, 1, 1, 2, 0]);
  t.equal(client.send('DEBUG', 'PROTOCOL', 'push'), '-ERR RESP2 is not supported by this command');
  t.match(client.send('DEBUG', 'PROTOCOL', 'x'), /^-ERR Wrong protocol type name\. Please use/);
  t.match(client.send('DEBUG', 'HELP'), [/^DEBUG <subcommand>/]);
  for (const bad of [['nope'], ['SLEEP'], ['DIGEST', 'x']]) {
    t.match(client.send('DEBUG', ...bad), /^-ERR unknown subcommand or wrong number of arguments/);
  }
});
