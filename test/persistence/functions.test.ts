/** Libraries of functions are kept on disk. */
import t from 'tap';
import { turning } from '../support/kept-node.js';
import type { LocalNode } from '../support/local.js';
import { ask, pass, scene } from './scene.js';

function library(name: string, answer: string, padding = 0): string {
  const code = `redis.register_function('${name}_f', function() return '${answer}' end)`;
  return `#!lua name=${name}\n${code}\n--${'x'.repeat(padding)}`;
}

function answers(node: LocalNode): unknown {
  const client = node.client();
  const names = ['a', 'b', 'long'].map((name) => client.send('FCALL', `${name}_f`, 0));
  return [client.send('FUNCTION', 'LIST', 'WITHCODE'), names];
}

for (const isSwept of [false, true]) {
  void t.test(
    `loaded, replaced, deleted, flushed; ${isSwept ? 'log written anew' : 'log'}`,
    async (t) => {
      const { kept, node, client } = await scene();
      const restart = async (): Promise<LocalNode> => {
        if (isSwept) client.send('BGREWRITEAOF');
        await pass(node, 2000);
        kept.nowMs = node.world.nowMs;
        const copy = kept.clone();
        if (isSwept) t.match(client.text('INFO', 'persistence'), /aof_rewrite_in_progress:0/);
        const after = await copy.start();
        t.strictSame(answers(after), answers(node));
        await turning(after, after.node.stop());
        return copy.start();
      };
      t.equal(client.send('FUNCTION', 'LOAD', library('a', '1')), 'a');
      t.equal(client.send('FUNCTION', 'LOAD', library('b', '1')), 'b');
      t.equal(client.send('FUNCTION', 'LOAD', library('long', '1', 300_000)), 'long');
      t.equal(client.send('FUNCTION', 'LOAD', 'REPLACE', library('a', '2')), 'a');
      t.match(
        client.send('FUNCTION', 'LOAD', library('a', '3')),
        /^-ERR Library 'a' already exists/,
      );
      const first = await restart();
      t.equal(first.client().send('FCALL', 'a_f', 0), '2');
      t.equal(first.client().send('FCALL', 'long_f', 0), '1');
      // After so long a stamp is taken that the disk is to know of first.
      t.equal(await ask(node, client, 'FUNCTION', 'DELETE', 'a'), 'OK');
      t.match((await restart()).client().send('FCALL', 'a_f', 0), /^-ERR Function not found/);
      t.equal(await ask(node, client, 'FUNCTION', 'FLUSH'), 'OK');
      t.strictSame((await restart()).client().send('FUNCTION', 'LIST'), []);
    },
  );
}

void t.test('in a transaction: all of it or nothing', async (t) => {
  const { kept, client } = await scene();
  client.send('MULTI');
  client.send('SET', 'k', '1');
  client.send('FUNCTION', 'LOAD', library('a', '1'));
  const before = kept.clone();
  t.strictSame(client.send('EXEC'), ['OK', 'a']);
  const [old, now] = [await before.start(), await kept.clone().start()];
  t.equal(old.client().send('GET', 'k'), null);
  t.strictSame(old.client().send('FUNCTION', 'LIST'), []);
  t.equal(now.client().send('GET', 'k'), '1');
  t.equal(now.client().send('FCALL', 'a_f', 0), '1');
});
