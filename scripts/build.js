/**
 * Compiles into dist/, removes what no source stands behind any more, and puts what serves clients
 * together: dist/whole/node.js is `dhash node`, dist/whole/index.js the library, one module each; and
 * the benchmark of the tree, which is to measure what serves clients.
 *
 * Why not `tsc` alone: it leaves the output of deleted and renamed files, so that a test that is
 * gone would go on running; and it writes nothing when the output was removed but its build
 * information was not. Why one module: docs/decisions/0027.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import { parseAst } from 'rolldown/parseAst';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, 'dist');
const buildInfo = join(out, '.tsbuildinfo');
/** Of dist, each with the module that it begins with. */
const WHOLES = {
  'whole/node.js': 'cmd/node-main.js',
  'whole/index.js': 'lib/index.js',
  'bench/whole/tree.js': 'bench/tree.js',
  'bench/whole/support/tree-child.js': 'bench/support/tree-child.js',
};

/** The files that one of these compiles to, or undefined for a file that tsc does not write. */
function sourcesOf(name) {
  if (name in WHOLES) return undefined;
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
if (status !== 0) process.exit(status ?? 1);

/**
 * Each function of a module becomes a `const`, before everything else: what a declared function is
 * called by could be given another one, so V8 compares at each call.
 */
const functionsAsConstants = {
  name: 'functions-as-constants',
  renderChunk(code) {
    let constants = '';
    let rest = '';
    let at = 0;
    for (const { type, start, end, id } of parseAst(code).body) {
      if (type !== 'FunctionDeclaration') continue;
      const nameless = code.slice(start, id.start) + code.slice(id.end, end);
      constants += `const ${id.name} = ${nameless};\n`;
      rest += code.slice(at, start);
      at = end;
    }
    return constants + rest + code.slice(at);
  },
};

for (const [name, first] of Object.entries(WHOLES)) {
  // oxlint-disable-next-line no-await-in-loop
  await build({
    input: join(out, first),
    platform: 'node',
    external: (id) => !id.startsWith('.') && !isAbsolute(id),
    optimization: { inlineConst: { mode: 'all', pass: 3 } },
    plugins: [functionsAsConstants],
    output: {
      file: join(out, name),
      format: 'esm',
      codeSplitting: false,
      // V8 takes the value of a `const` for what it is; that of a `var` it has to load.
      topLevelVar: false,
      comments: false,
    },
    logLevel: 'warn',
  });
}
