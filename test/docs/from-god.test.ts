/** docs/from-god.md: each row of its tables is run, on the data that the page tells. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { localClient } from '../support/local.js';
import { projectRoot } from '../support/server-process.js';

const page = readFileSync(join(projectRoot(), 'docs/from-god.md'), 'utf8');
const setup = /```\n([\s\S]*?)```/.exec(page)![1]!.trim().split('\n');
const row = /^\| (.+?) \| `(.+?)` \| `(.+?)` \|$/gm;
const rows = [...page.matchAll(row)].map(([, god, command, reply]) => ({ god, command, reply }));

/** The operations of god's nodes (dhash/api_functions.go) that are no business of a ring. */
const OPERATIONS = [
  ...['Put', 'Get', 'Del', 'Next', 'Prev', 'Size', 'Clear', 'Dump', 'SubDump'],
  ...['SubPut', 'SubGet', 'SubDel', 'SubClear', 'SubSize', 'First', 'Last', 'SubNext', 'SubPrev'],
  ...['NextIndex', 'PrevIndex', 'IndexOf', 'ReverseIndexOf', 'Count', 'Slice', 'SliceIndex'],
  ...['SliceLen', 'ReverseSlice', 'ReverseSliceIndex', 'ReverseSliceLen'],
  ...['SubAddConfiguration', 'SubConfiguration', 'MirrorFirst', 'MirrorLast', 'SubMirrorNext'],
  ...['SubMirrorPrev', 'MirrorNextIndex', 'MirrorPrevIndex', 'MirrorIndexOf'],
  ...['MirrorReverseIndexOf', 'MirrorCount', 'MirrorSlice', 'MirrorSliceIndex', 'MirrorSliceLen'],
  ...['MirrorReverseSlice', 'MirrorReverseSliceIndex', 'MirrorReverseSliceLen'],
];

t.test('every operation has a row', (t) => {
  const named = new Set(rows.map(({ god }) => god!.split(' ')[0]!));
  t.same([...named].sort(), [...OPERATIONS].sort());
  const tableLines = page.split('\n').filter((line) => line.startsWith('|'));
  t.equal(rows.length, tableLines.length - 3 * 2, 'every line of a table is a row that is run');
  t.end();
});

for (const { god, command, reply } of rows) {
  t.test(`${god}: ${command}`, async (t) => {
    const client = await localClient();
    for (const line of setup) t.notMatch(client.send(...line.split(' ')), /^-/, line);
    t.same(client.send(...command!.split(' ')), JSON.parse(reply!));
  });
}
