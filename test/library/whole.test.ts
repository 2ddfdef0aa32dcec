/** What is put together into one module each (docs/decisions/0027) is the same as its modules. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import * as parts from '../../lib/index.js';
import { RespClient } from '../support/resp-client.js';
import { freePort, projectRoot } from '../support/server-process.js';

const folder = join(projectRoot(), 'dist/whole');

type Library = typeof parts;

async function load<T>(name: string): Promise<T> {
  return (await import(pathToFileURL(join(folder, name)).href)) as T;
}

void t.test('the library has the same names', async (t) => {
  const whole = await load<Library>('index.js');
  t.strictSame(Object.keys(whole).sort(), Object.keys(parts).sort());
});

void t.test('a node of the whole library serves', async (t) => {
  const whole = await load<Library>('index.js');
  const port = await freePort();
  const node = new whole.Node({ port });
  await node.start();
  const client = await RespClient.connect({ port });
  t.equal(await client.callPlain('LPUSH', 'list', 'a', 'b'), 2);
  t.equal(await client.callPlain('LPOP', 'list'), 'b');
  await client.close();
  await node.stop();
});

for (const name of ['index.js', 'node.js']) {
  void t.test(`${name} loads nothing later, and its constants are constants`, (t) => {
    const text = readFileSync(join(folder, name), 'utf8');
    // Not `match`: the difference of what does not match would be the whole module.
    t.notOk(/\bimport\(/.test(text), 'nothing is made only when it is asked for');
    t.ok(/^const CAPACITY = /m.test(text), 'neither `var` nor made later');
    t.ok(/^const addAlong = function\(/m.test(text), 'functions are constants, too');
    t.notOk(/^(async )?function/m.test(text));
    t.end();
  });
}
