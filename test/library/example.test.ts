/** README's example of library use is run as it stands, but for the ports and the package's name. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { runProgram } from '../support/run-program.js';
import { freePort, projectRoot } from '../support/server-process.js';

void t.test('the example of the README', async (t) => {
  const root = projectRoot();
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const [, code, expected] =
    /```js\n(import \{ connect, Node \}[\s\S]*?)```\n\n```\n([\s\S]*?)```/.exec(readme)!;
  const ports = await Promise.all([freePort(), freePort()]);
  const index = pathToFileURL(join(root, 'dist', 'lib', 'index.js')).href;
  const program = code!
    .replace("'dhash-db'", `'${index}'`)
    .replaceAll('7000', String(ports[0]))
    .replaceAll('7001', String(ports[1]));
  const folder = await mkdtemp(join(root, 'dist', 'example-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'example.mjs'), program);
  const { code: exitCode, output } = await runProgram(process.execPath, [
    join(folder, 'example.mjs'),
  ]);
  t.equal(output, expected);
  t.equal(exitCode, 0);
});
