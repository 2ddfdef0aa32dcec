import { createHash } from 'node:crypto';
import t from 'tap';
import { localClient } from '../support/local.js';

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
