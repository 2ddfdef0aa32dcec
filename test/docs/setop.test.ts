/** docs/setop.md: each row of its tables is run, and it has every merge function. */
import t from 'tap';
import { merges } from '../../lib/commands/setop/merges.js';
import { clientOn, readPage, words } from './page.js';

const page = readPage('setop.md');

t.test('every merge function has a row', (t) => {
  const titles = new Set(page.rows.map(({ title }) => title));
  for (const { name } of merges) t.ok(titles.has(name), name);
  t.equal(page.rows.length, page.rowLines, 'every line of a table is a row that is run');
  t.end();
});

for (const { title, command, reply } of page.rows) {
  t.test(`${title}: ${command}`, async (t) => {
    const client = await clientOn(page);
    t.same(client.send(...words(command)), reply);
  });
}
