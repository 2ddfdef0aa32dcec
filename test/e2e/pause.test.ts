/** CLIENT PAUSE and CLIENT REPLY together: a reply that is to be skipped stays so when it is late. */

import t from 'tap';
import { startDhash } from '../support/server-process.js';

t.test('a command held back under CLIENT REPLY SKIP', async (t) => {
  const node = await startDhash();
  t.teardown(() => node.stop());
  const [client, other] = [await node.connect(), await node.connect()];
  t.equal(await other.callPlain('CLIENT', 'PAUSE', 100_000, 'WRITE'), 'OK');
  client.send('CLIENT', 'REPLY', 'SKIP');
  client.send('SET', 'a', '1');
  client.send('GET', 'a');
  t.equal(await other.callPlain('GET', 'a'), null);
  t.equal(await other.callPlain('CLIENT', 'UNPAUSE'), 'OK');
  t.equal((await client.read()).bytes?.toString(), '1', 'the reply to GET comes first');
  await Promise.all([client.close(), other.close()]);
});

t.test('a command held back under CLIENT REPLY OFF', async (t) => {
  const node = await startDhash();
  t.teardown(() => node.stop());
  const [client, other] = [await node.connect(), await node.connect()];
  t.equal(await other.callPlain('CLIENT', 'PAUSE', 100_000, 'WRITE'), 'OK');
  client.send('CLIENT', 'REPLY', 'OFF');
  client.send('SET', 'a', '1');
  client.send('CLIENT', 'REPLY', 'ON');
  client.send('GET', 'a');
  t.equal(await other.callPlain('CLIENT', 'UNPAUSE'), 'OK');
  t.equal((await client.read()).bytes?.toString(), 'OK', 'that is to REPLY ON');
  t.equal((await client.read()).bytes?.toString(), '1');
  await Promise.all([client.close(), other.close()]);
});
