/**
 * Compiles into dist/ and removes what no source stands behind any more.
 *
 * Why not `tsc` alone: it leaves the output of deleted and renamed files, so that a test that is
 * gone would go on running; and it writes nothing when the output was removed but its build
 * information was not.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, 'dist');
const buildInfo = join(out, '.tsbuildinfo');

/** The files that one of these compiles to, or undefined for a file that tsc does not write. */
function sourcesOf(name) {
  const base = /^(.*)\.(d\.ts|js|js\.map)$/.exec(name);
  if (base !== null) return [`${base[1]}.ts`];
  return name.endsWith('.json') ? [name] : undefined;
}

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)));
}

if (!existsSync(join(out, 'lib'))) rmSync(buildInfo, { force: true });
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json')], {
  stdio: 'inherit',
});

for (const name of filesBelow(out)) {
  const sources = sourcesOf(name);
  if (sources === undefined) continue;
  if (!sources.some((source) => existsSync(join(root, source)))) rmSync(join(out, name));
}
process.exit(status ?? 1);
