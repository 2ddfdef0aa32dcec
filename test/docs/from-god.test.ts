/** docs/from-god.md: each row of its tables is run, on the data that the page tells. */
import t from 'tap';
import { clientOn, readPage, words } from './page.js';

const page = readPage('from-god.md');

/** The operations of god's nodes (dhash/api_functions.go) that are no business of a ring. */
const OPERATIONS = [
  ...['Put', 'Get', 'Del', 'Next', 'Prev', 'Size', 'Clear', 'Dump', 'SubDump'],
  ...['SubPut', 'SubGet', 'SubDel', 'SubClear', 'SubSize', 'First', 'Last', 'SubNext', 'SubPrev'],
  ...['NextIndex', 'PrevIndex', 'IndexOf', 'ReverseIndexOf', 'Count', 'Slice', 'SliceIndex'],
  ...['SliceLen', 'ReverseSlice', 'ReverseSliceIndex', 'ReverseSliceLen'],
  ...['SubAddConfiguration', 'SubConfiguration', 'MirrorFirst', 'MirrorLast', 'SubMirrorNext'],
  ...['SubMirrorPrev', 'MirrorNextIndex', 'MirrorPrevIndex', 'MirrorIndexOf'],
  ...['MirrorReverseIndexOf', 'MirrorCount', 'MirrorSlice', 'MirrorSliceIndex', 'MirrorSliceLen'],
  ...['MirrorReverseSlice', 'MirrorReverseSliceIndex', 'MirrorReverseSliceLen', 'SetExpression'],
];

t.test('every operation has a row', (t) => {
  const named = new Set(page.rows.map(({ title }) => title.split(' ')[0]!));
  t.same([...named].sort(), [...OPERATIONS].sort());
  t.equal(page.rows.length, page.rowLines, 'every line of a table is a row that is run');
  t.end();
});

for (const { title, command, reply } of page.rows) {
  t.test(`${title}: ${command}`, async (t) => {
    const client = await clientOn(page);
    t.same(client.send(...words(command)), reply);
  });
}
