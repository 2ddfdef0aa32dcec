import t from 'tap';
import { ReplyMap } from '../../resp/reply-parser.js';
import { LocalNode, localClient } from '../support/local.js';

const NOAUTH = '-NOAUTH Authentication required.';
const WRONG = '-WRONGPASS invalid username-password pair or user is disabled.';

t.test('PING, ECHO, SELECT', async (t) => {
  const client = await localClient();
  t.equal(client.send('PING'), 'PONG');
  t.equal(client.send('ping', 'a b'), 'a b');
  t.match(client.send('PING', 'a', 'b'), /^-ERR wrong number of arguments for 'ping'/);
  t.equal(client.send('ECHO', 'x\r\ny'), 'x\r\ny');
  client.send('SET', 'k', '0');
  t.equal(client.send('SELECT', '15'), 'OK');
  t.equal(client.send('GET', 'k'), null);
  t.equal(client.send('SELECT', '16'), '-ERR DB index is out of range');
  t.equal(client.send('SELECT', '-1'), '-ERR DB index is out of range');
  t.equal(client.send('SELECT', 'x'), '-ERR value is not an integer or out of range');
  t.match(client.send('SELECT', '99999999999'), /^-ERR value is out of range, value must/);
  t.equal(client.send('SELECT', '0'), 'OK');
  t.equal(client.send('GET', 'k'), '0');
});

t.test('QUIT answers and closes', async (t) => {
  const client = await localClient();
  t.equal(client.send('QUIT'), 'OK');
  t.ok(client.link.closed);
});

t.test('AUTH', async (t) => {
  const node = await new LocalNode((settings) => {
    settings.requirepass = 'secret';
  }).start();
  const client = node.client();
  t.equal(client.send('PING'), NOAUTH);
  t.equal(client.send('AUTH', 'wrong'), WRONG);
  t.equal(client.send('AUTH', 'default', 'wrong'), WRONG);
  t.equal(client.send('AUTH', 'nobody', 'secret'), WRONG);
  t.equal(client.send('AUTH', 'a', 'b', 'c'), '-ERR syntax error');
  t.equal(client.send('PING'), NOAUTH);
  t.equal(client.send('AUTH', 'secret'), 'OK');
  t.equal(client.send('PING'), 'PONG');
  t.equal(client.send('RESET'), 'RESET');
  t.equal(client.send('PING'), NOAUTH, 'RESET forgets who one is');
  t.equal(client.send('AUTH', 'default', 'secret'), 'OK');
  t.match(client.send('INFO', 'stats'), /acl_access_denied_auth:3\r\n/);

  const other = node.client();
  t.equal(client.send('CONFIG', 'SET', 'requirepass', ''), 'OK');
  t.equal(other.send('PING'), 'PONG', 'without a password everybody is welcome');
  t.match(other.send('AUTH', 'x'), /^-ERR AUTH <password> called without any password/);
  t.equal(other.send('AUTH', 'default', 'whatever'), 'OK');
});

t.test('HELLO', async (t) => {
  const client = await localClient();
  t.match(client.send('HELLO'), ['server', 'redis', 'version', /^7\.2/, 'proto', 2]);
  t.equal(client.send('HELLO', '4'), '-NOPROTO unsupported protocol version');
  t.equal(client.send('HELLO', 'x'), '-ERR Protocol version is not an integer or out of range');
  t.equal(client.send('HELLO', '3', 'FOO'), "-ERR Syntax error in HELLO option 'FOO'");
  t.equal(client.send('HELLO', '3', 'SETNAME'), "-ERR Syntax error in HELLO option 'SETNAME'");
  t.match(client.send('HELLO', '3', 'SETNAME', 'a b'), /^-ERR Client names cannot contain/);
  t.equal(client.send('CLIENT', 'GETNAME'), null, 'errors change nothing');
  const reply = client.sendRaw('HELLO', '3', 'SETNAME', 'me');
  t.ok(reply instanceof ReplyMap, 'a map in RESP3');
  t.equal(client.send('CLIENT', 'GETNAME'), 'me');
  t.match(client.send('HELLO', '2'), ['server', 'redis']);
});

t.test('HELLO before AUTH', async (t) => {
  const client = await localClient((settings) => {
    settings.requirepass = 'secret';
  });
  t.match(client.send('HELLO', '3'), /^-NOAUTH HELLO must be called with the client already/);
  t.equal(client.send('HELLO', '3', 'AUTH', 'default', 'wrong'), WRONG);
  t.match(client.send('HELLO', '2', 'AUTH', 'default', 'secret', 'SETNAME', 'x'), ['server']);
  t.equal(client.send('CLIENT', 'GETNAME'), 'x');
});

t.test('RESET leaves everything', async (t) => {
  const client = await localClient();
  client.send('HELLO', '3', 'SETNAME', 'me');
  client.send('SELECT', '3');
  client.send('MULTI');
  t.equal(client.send('RESET'), 'RESET');
  t.equal(client.send('EXEC'), '-ERR EXEC without MULTI');
  const line = client.text('CLIENT', 'LIST');
  t.match(line, / name= .* flags=N db=0 .* resp=2 /);
});
