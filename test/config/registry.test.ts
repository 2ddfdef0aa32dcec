/** The registry is complete, without doubles, and every row can read what it prints. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Refusal } from '../../lib/config/codecs.js';
import { registry, settingNames } from '../../lib/config/registry.js';
import { Settings } from '../../lib/config/settings.js';
import { SettingValues } from '../../lib/config/values.js';
import { checkoutRoot } from '../support/architecture.js';

t.test('a name stands in one row', (t) => {
  const names = registry.flatMap((row) => [
    row.name,
    ...(row.alias === undefined ? [] : [row.alias]),
  ]);
  t.equal(new Set(names).size, names.length);
  t.strictSame([...names].sort(), settingNames);
  t.end();
});

t.test('every row reads what it prints and what it writes into a file', (t) => {
  for (const row of registry) {
    const values = new SettingValues();
    for (const text of [row.print(values), row.write(values)]) {
      const parsed = row.parse(text, values);
      if (parsed instanceof Refusal) {
        t.fail(`${row.name} refuses its own '${text}': ${parsed.text}`);
        continue;
      }
      parsed(values);
      t.equal(row.print(values), row.print(new SettingValues()), row.name);
    }
  }
  t.end();
});

t.test('every field has one row', (t) => {
  const plain = (value: unknown): string => JSON.stringify(value);
  for (const field of Object.keys(new SettingValues()) as (keyof SettingValues)[]) {
    const before = plain(new SettingValues()[field]);
    const writers = registry.filter((row) => {
      // A row owns the field if its printed value follows the field.
      const changed = new SettingValues();
      const other = otherValue(changed[field]);
      Object.assign(changed, { [field]: other });
      // This one tells of `dir`, and has no field.
      if (row.name === 'appendonly') return false;
      return row.print(changed) !== row.print(new SettingValues());
    });
    t.equal(writers.length, 1, `${field} (${before})`);
  }
  t.end();
});

function otherValue(value: unknown): unknown {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'string') return `${value}x`;
  if (Array.isArray(value)) return [...(value as unknown[]), 7];
  return { ...(value as object), normal: { hardBytes: 9, softBytes: 9, softSeconds: 9 } };
}

t.test('a row says what it is for', (t) => {
  for (const row of registry) {
    t.ok(row.description.length > 3 && !row.description.endsWith('.'), row.name);
    t.match(row.name, /^[a-z][a-z0-9_-]*$/, row.name);
  }
  t.end();
});

t.test('a feature that is not built takes no value', (t) => {
  const cases = [
    ['appendonly', 'yes', /with dir and fsync.* it is yes where dir has been given/],
    ['save', '900 1', /with dir and fsync/],
    ['activedefrag', 'yes', /reuses its memory/],
    ['maxmemory-clients', '1gb', /client-output-buffer-limit/],
    ['tls-port', '6380', /TLS is not built yet/],
    ['min-replicas-to-write', '1', /members of a ring replicate to each other/],
  ] as const;
  for (const [name, value, expected] of cases) {
    const settings = new Settings();
    const before = settings.get(name);
    t.match(settings.set([[name, value]]), expected, name);
    t.strictSame(settings.get(name), before, name);
    t.equal(settings.set([[name, before[0]?.[1] ?? '']]), undefined, `${name}: what it is now`);
  }
  t.end();
});

t.test('what is accepted has an effect, or says that it has none', (t) => {
  const root = checkoutRoot();
  const texts: string[] = [];
  for (const folder of ['lib', 'cmd']) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      const isTable = name.startsWith('config') && !name.endsWith('start-checks.ts');
      if (!name.endsWith('.ts') || isTable) continue;
      texts.push(readFileSync(join(root, folder, name), 'utf8'));
    }
  }
  const source = texts.join('\n');
  for (const field of Object.keys(new SettingValues()) as (keyof SettingValues)[]) {
    const changed = new SettingValues();
    Object.assign(changed, { [field]: otherValue(changed[field]) });
    const owner = registry.find((row) => row.print(changed) !== row.print(new SettingValues()));
    const isRead = field === 'bind' || new RegExp(`\\b${field}\\b`).test(source);
    const isExcused = owner?.pending !== undefined || owner?.effect === 'none';
    t.ok(isRead || isExcused, `${owner?.name}: something reads settings.${field}`);
  }
  t.end();
});
