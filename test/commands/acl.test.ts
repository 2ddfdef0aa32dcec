import { createHash } from 'node:crypto';
import t from 'tap';
import { ReplyDouble, type ReplyMap } from '../../resp/reply-parser.js';
import { type LocalClient, localClient, type Plain } from '../support/local.js';

t.test('the one user, without a password', async (t) => {
  const client = await localClient();
  t.equal(client.send('ACL', 'WHOAMI'), 'default');
  t.same(client.send('ACL', 'USERS'), ['default']);
  t.same(client.send('ACL', 'LIST'), ['user default on nopass ~* &* +@all']);
  t.same(client.send('ACL', 'GETUSER', 'default'), [
    'flags',
    ['on', 'nopass'],
    'passwords',
    [],
    'commands',
    '+@all',
    'keys',
    '~*',
    'channels',
    '&*',
    'selectors',
    [],
  ]);
  t.equal(client.send('ACL', 'GETUSER', 'nobody'), null);
});

t.test('with a password', async (t) => {
  const client = await localClient((settings) => {
    settings.requirepass = 'abc';
  });
  client.send('AUTH', 'abc');
  const hash = createHash('sha256').update('abc').digest('hex');
  t.same(client.send('ACL', 'LIST'), [`user default on #${hash} ~* &* +@all`]);
  t.match(client.send('ACL', 'GETUSER', 'default'), ['flags', ['on'], 'passwords', [hash]]);
});

t.test('CAT', async (t) => {
  const client = await localClient();
  t.equal((client.send('ACL', 'CAT') as string[]).length, 21);
  const names = client.send('ACL', 'CAT', 'CONNECTION') as string[];
  t.ok(names.includes('ping') && names.includes('client|list'));
  t.notOk(names.includes('readonly'), 'only what the node really has');
  t.equal(client.send('ACL', 'CAT', 'foo'), "-ERR Unknown category 'foo'");
});

t.test('GENPASS and what is refused', async (t) => {
  const client = await localClient();
  t.match(client.send('ACL', 'GENPASS'), /^[0-9a-f]{64}$/);
  t.match(client.send('ACL', 'GENPASS', '5'), /^[0-9a-f]{2}$/);
  t.match(client.send('ACL', 'GENPASS', '0'), /^-ERR ACL GENPASS argument must be/);
  t.match(client.send('ACL', 'SETUSER', 'x'), /not built yet/);
  t.match(client.send('ACL', 'HELP'), [/^ACL <subcommand>/]);
});

/** An entry of the log as an object, without what the client says of itself. */
function entriesOf(client: LocalClient, ...args: string[]): Record<string, Plain>[] {
  return (client.send('ACL', 'LOG', ...args) as Plain[][]).map((fields) => {
    const pairs = fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1]]] : []));
    return Object.fromEntries(pairs) as Record<string, Plain>;
  });
}

async function withPassword(acllogMaxLen = 128): Promise<LocalClient> {
  const client = await localClient((settings) => {
    settings.requirepass = 'abc';
    settings.acllogMaxLen = acllogMaxLen;
  });
  client.send('AUTH', 'abc');
  return client;
}

t.test('LOG: the fields of Redis 7.2', async (t) => {
  const client = await withPassword();
  t.same(client.send('ACL', 'LOG'), []);
  const now = client.world.clock.wallMs();
  client.send('auth', 'bob', 'secret');
  client.world.advance(1500);
  const reply = client.send('ACL', 'LOG') as Plain[][];
  const info = reply[0]![13] as string;
  t.match(info, /^id=\d+ addr=.* cmd=auth user=default .*[^\n]$/);
  t.notMatch(info, 'secret');
  t.same(reply, [
    [
      ...['count', 1, 'reason', 'auth', 'context', 'toplevel', 'object', 'auth', 'username', 'bob'],
      ...['age-seconds', '1.5', 'client-info', info, 'entry-id', 0],
      ...['timestamp-created', now, 'timestamp-last-updated', now],
    ],
  ]);
  client.send('HELLO', '3');
  const [entry] = client.sendRaw('ACL', 'LOG') as ReplyMap[];
  t.equal(entry!.pairs.length, 10);
  t.same(entry!.pairs[5], [Buffer.from('age-seconds'), new ReplyDouble(1.5)]);
});

t.test('LOG: what is alike within a minute is one entry, the newest first', async (t) => {
  const client = await withPassword();
  const now = client.world.clock.wallMs();
  client.send('AUTH', 'bad');
  client.send('AUTH', 'bob', 'bad');
  client.send('HELLO', '3', 'AUTH', 'bob', 'bad');
  client.world.advance(60_000);
  client.send('AUTH', 'worse');
  const told = ({ object, username, count, ...entry }: Record<string, Plain>): Plain[] =>
    [object, username, count, entry['entry-id'], entry['timestamp-created']] as Plain[];
  t.same(entriesOf(client).map(told), [
    ['AUTH', 'default', 2, 0, now],
    ['HELLO', 'bob', 1, 2, now],
    ['AUTH', 'bob', 1, 1, now],
  ]);
  client.world.advance(60_001);
  client.send('AUTH', 'worst');
  client.send('MULTI');
  client.send('AUTH', 'again');
  client.send('EXEC');
  const entries = entriesOf(client);
  t.same(entries.map(told).slice(0, 3), [
    ['AUTH', 'default', 1, 4, now + 120_001],
    ['AUTH', 'default', 1, 3, now + 120_001],
    ['AUTH', 'default', 2, 0, now],
  ]);
  t.same([entries[0]!.context, entries[1]!.context], ['multi', 'toplevel']);
  t.same(entriesOf(client, '1').map(told), [['AUTH', 'default', 1, 4, now + 120_001]]);
});

t.test('LOG: counts, RESET, and how many it keeps', async (t) => {
  const client = await withPassword(3);
  for (let i = 0; i < 15; i += 1) client.send('AUTH', `user${i}`, 'bad');
  t.same(
    entriesOf(client).map(({ username }) => username),
    ['user14', 'user13', 'user12'],
  );
  t.same(client.send('ACL', 'LOG', '0'), []);
  t.same(client.send('ACL', 'LOG', '-5'), []);
  t.equal((client.send('ACL', 'LOG', '2') as Plain[]).length, 2);
  t.equal(client.send('ACL', 'LOG', 'x'), '-ERR value is not an integer or out of range');
  const many = "-ERR unknown subcommand or wrong number of arguments for 'LOG'. Try ACL HELP.";
  t.equal(client.send('ACL', 'LOG', '1', '2'), many);
  client.send('CONFIG', 'SET', 'acllog-max-len', '20');
  client.send('ACL', 'LOG', 'RESET');
  for (let i = 0; i < 15; i += 1) client.send('AUTH', `user${i}`, 'bad');
  t.equal((client.send('ACL', 'LOG') as Plain[]).length, 10, 'unless told');
  t.equal((client.send('ACL', 'LOG', '100') as Plain[]).length, 15);
  t.equal(client.send('ACL', 'LOG', 'reset'), 'OK');
  t.same(client.send('ACL', 'LOG'), []);
  client.send('CONFIG', 'SET', 'acllog-max-len', '0');
  client.send('AUTH', 'bad');
  t.same(client.send('ACL', 'LOG'), []);
});
