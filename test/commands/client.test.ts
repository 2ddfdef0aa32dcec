import t from 'tap';
import { LocalNode, localClient } from '../support/local.js';

t.test('CLIENT LIST and INFO', async (t) => {
  const node = await new LocalNode().start();
  const client = node.client();
  const other = node.client();
  t.equal(client.send('CLIENT', 'ID'), 1);
  t.equal(other.send('CLIENT', 'ID'), 2);
  other.send('CLIENT', 'SETNAME', 'second');
  other.send('CLIENT', 'SETINFO', 'lib-name', 'lib');
  other.send('CLIENT', 'SETINFO', 'LIB-VER', '1.2');
  other.send('SELECT', '2');
  other.send('MULTI');
  other.send('SET', 'k', 'v');
  node.world.advance(3000);
  const lines = client.text('CLIENT', 'LIST').split('\n');
  t.equal(lines.length, 3);
  t.match(
    lines[0],
    /^id=1 addr=127\.0\.0\.1:50000 laddr=127\.0\.0\.1:6379 fd=-1 name= age=3 idle=0 flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 watch=0 qbuf=\d+ qbuf-free=0 argv-mem=0 multi-mem=0 rbs=\d+ rbp=\d+ obl=0 oll=0 omem=\d+ tot-mem=\d+ events=r cmd=client\|list user=default redir=-1 resp=2 lib-name= lib-ver=$/,
  );
  t.match(
    lines[1],
    /^id=2 .* name=second age=3 idle=3 flags=x db=2 .* multi=1 .* multi-mem=5 .* cmd=multi .* lib-name=lib lib-ver=1\.2$/,
  );
  t.match(client.send('CLIENT', 'INFO'), /^id=1 .*cmd=client\|info .*\n$/);
  t.match(client.send('CLIENT', 'LIST', 'ID', '2', '9'), /^id=2 [^\n]*\n$/);
  t.equal(client.send('CLIENT', 'LIST', 'TYPE', 'pubsub'), '');
  t.match(client.send('CLIENT', 'LIST', 'TYPE', 'normal'), /^id=1 [^\n]*\nid=2 [^\n]*\n$/);
  t.equal(client.send('CLIENT', 'LIST', 'TYPE', 'x'), "-ERR Unknown client type 'x'");
  t.equal(client.send('CLIENT', 'LIST', 'ID', 'x'), '-ERR Invalid client ID');
  t.equal(client.send('CLIENT', 'LIST', 'x'), '-ERR syntax error');
});

t.test('names', async (t) => {
  const client = await localClient();
  t.equal(client.send('CLIENT', 'GETNAME'), null);
  t.match(client.send('CLIENT', 'SETNAME', 'a b'), /^-ERR Client names cannot contain spaces/);
  t.equal(client.send('CLIENT', 'SETNAME', 'a'), 'OK');
  t.equal(client.send('CLIENT', 'GETNAME'), 'a');
  t.equal(client.send('CLIENT', 'SETNAME', ''), 'OK');
  t.equal(client.send('CLIENT', 'GETNAME'), null);
  t.equal(client.send('CLIENT', 'SETINFO', 'foo', 'x'), "-ERR Unrecognized option 'foo'");
  t.match(client.send('CLIENT', 'SETINFO', 'lib-ver', 'a b'), /^-ERR lib-ver cannot contain/);
});

t.test('KILL', async (t) => {
  const node = await new LocalNode((settings) => {
    settings.protectedMode = false;
  }).start();
  const client = node.client();
  const second = node.client('10.0.0.2');
  const third = node.client('10.0.0.3');
  t.equal(client.send('CLIENT', 'KILL', '1.2.3.4:5'), '-ERR No such client');
  t.equal(client.send('CLIENT', 'KILL', 'ID', '0'), '-ERR client-id should be greater than 0');
  t.equal(client.send('CLIENT', 'KILL', 'TYPE', 'x'), "-ERR Unknown client type 'x'");
  t.equal(client.send('CLIENT', 'KILL', 'USER', 'x'), "-ERR No such user 'x'");
  t.equal(client.send('CLIENT', 'KILL', 'SKIPME', 'x'), '-ERR syntax error');
  t.equal(client.send('CLIENT', 'KILL', 'ID', '2', 'ADDR'), '-ERR syntax error');
  t.equal(client.send('CLIENT', 'KILL', 'ID', '99'), 0);
  t.equal(client.send('CLIENT', 'KILL', 'ID', '2', 'ADDR', '10.0.0.3:50000'), 0);
  t.equal(client.send('CLIENT', 'KILL', 'ADDR', '10.0.0.2:50000'), 1);
  t.ok(second.link.closed);
  t.notOk(third.link.closed);
  t.equal(client.send('CLIENT', 'KILL', '10.0.0.3:50000'), 'OK');
  t.ok(third.link.closed);
  t.equal(client.send('CLIENT', 'KILL', 'TYPE', 'normal'), 0, 'not oneself');
  t.equal(client.send('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no'), 1);
  t.ok(client.link.closed, 'after the reply');
});

t.test('protected mode keeps strangers out', async (t) => {
  const node = await new LocalNode().start();
  const stranger = node.client('10.0.0.9');
  t.ok(stranger.link.closed);
});

t.test('REPLY', async (t) => {
  const client = await localClient();
  client.link.send(Buffer.from('CLIENT REPLY OFF\r\nSET a 1\r\nNOPE\r\nCLIENT REPLY ON\r\n'));
  t.same(client.received(), ['OK']);
  client.link.send(Buffer.from('CLIENT REPLY SKIP\r\nGET a\r\nGET a\r\n'));
  t.same(client.received(), ['1']);
  client.link.send(Buffer.from('CLIENT REPLY SKIP\r\nCLIENT REPLY SKIP\r\nGET a\r\nECHO b\r\n'));
  t.same(client.received(), ['b']);
  t.equal(client.send('CLIENT', 'REPLY', 'x'), '-ERR syntax error');
});

t.test('PAUSE and UNPAUSE', async (t) => {
  const node = await new LocalNode().start();
  const client = node.client();
  const other = node.client();
  t.equal(client.send('CLIENT', 'PAUSE', '1000', 'WRITE'), 'OK');
  t.equal(other.send('GET', 'k'), null, 'reads go on');
  other.link.send(Buffer.from('SET k 1\r\n'));
  node.world.advance(500);
  t.same(other.received(), []);
  t.equal(client.send('CLIENT', 'UNPAUSE'), 'OK');
  t.same(other.received(), ['OK']);
  for (const command of ['PUBLISH c m', 'SPUBLISH c m', 'PFCOUNT none']) {
    client.send('CLIENT', 'PAUSE', '1000', 'WRITE');
    other.link.send(Buffer.from(`${command}\r\n`));
    t.same(other.received(), [], `${command} may write for others`);
    client.send('CLIENT', 'UNPAUSE');
    t.same(other.received(), [0]);
  }
  client.send('CLIENT', 'PAUSE', '1000');
  other.link.send(Buffer.from('GET k\r\n'));
  node.world.advance(900);
  t.same(other.received(), []);
  node.world.advance(300);
  t.same(other.received(), ['1']);
  t.equal(client.send('CLIENT', 'PAUSE', 'x'), '-ERR timeout is not an integer or out of range');
  t.equal(client.send('CLIENT', 'PAUSE', '-1'), '-ERR timeout is negative');
  t.equal(client.send('CLIENT', 'PAUSE', '1', 'x'), '-ERR CLIENT PAUSE mode must be WRITE or ALL');
});

t.test('what is off is off', async (t) => {
  const client = await localClient();
  t.equal(client.send('CLIENT', 'TRACKING', 'OFF'), 'OK');
  t.same(client.send('CLIENT', 'TRACKINGINFO'), ['flags', ['off'], 'redirect', -1, 'prefixes', []]);
  t.equal(client.send('CLIENT', 'GETREDIR'), -1);
  t.match(client.send('CLIENT', 'CACHING', 'YES'), /^-ERR CLIENT CACHING can be called only when/);
  t.equal(client.send('CLIENT', 'UNBLOCK', '7'), 0);
  t.match(client.send('CLIENT', 'UNBLOCK', '7', 'x'), /^-ERR CLIENT UNBLOCK reason should be/);
  t.equal(client.send('CLIENT', 'NO-EVICT', 'on'), 'OK');
  t.equal(client.send('CLIENT', 'NO-TOUCH', 'on'), 'OK');
  t.match(client.send('CLIENT', 'INFO'), / flags=eT /);
  t.equal(client.send('CLIENT', 'NO-TOUCH', 'x'), '-ERR syntax error');
  t.match(client.send('CLIENT', 'FOO'), /^-ERR unknown subcommand 'FOO'\. Try CLIENT HELP\./);
  t.match(client.send('CLIENT', 'HELP'), [/^CLIENT <subcommand>/]);
});
