/** V8's young generation in a process of its own: how large it gets while much of it survives. */
import { execFileSync, spawnSync } from 'node:child_process';
import t from 'tap';

const MIB = 1024 * 1024;
const MODULE = new URL('../../cmd/v8-memory.js', import.meta.url).href;
const CHURN = `
  import { getHeapSpaceStatistics } from 'node:v8';
  let kept = [];
  for (let n = 0; n < 2e6; n++) {
    kept.push({ n });
    if (kept.length > 2e5) kept = [];
  }
  console.log(getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size);
`;

function bytesAfterChurn(before: string): number {
  const script = `${before}\n${CHURN}`;
  const flags = ['--input-type=module', '--eval', script];
  return Number(execFileSync(process.execPath, flags, { encoding: 'utf8' }));
}

t.test('the young generation does not grow once that was asked for', async (t) => {
  const asked = `import { keepV8Small } from '${MODULE}'; keepV8Small();`;
  t.ok(bytesAfterChurn('') > 8 * MIB, 'it would');
  t.ok(bytesAfterChurn(asked) <= 4 * MIB);
});

t.test('this V8 knows what it is told', async (t) => {
  const script = `import { keepV8Small } from '${MODULE}'; keepV8Small();`;
  const flags = ['--input-type=module', '--eval', script];
  const { status, stderr } = spawnSync(process.execPath, flags, { encoding: 'utf8' });
  t.strictSame([status, stderr], [0, '']);
});
