/**
 * The direction of imports and the purity of the core, over every source file of the project, and
 * over small files that are wrong on purpose: a check that never fails proves nothing.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { architectureProblems, checkoutRoot } from './support/architecture.js';

const SOURCE_FOLDERS = [
  ...[
    'cmd',
    'http',
    'memcached',
    'lib',
    'discord',
    'radix',
    'rdb',
    'timenet',
    'murmur',
    'resp',
    'world',
  ],
  ...['test', 'bench', 'examples', 'scripts'],
];
/** The folders that must be there: reading none of a folder's files would pass unnoticed. */
const REQUIRED_FOLDERS = [
  'cmd',
  'lib',
  'discord',
  'radix',
  'rdb',
  'timenet',
  'murmur',
  'resp',
  'world',
  'test',
];

function readSources(root: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const folder of SOURCE_FOLDERS) {
    if (!existsSync(join(root, folder))) continue;
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue;
      const path = `${folder}/${name.replaceAll('\\', '/')}`;
      files.set(path, readFileSync(join(root, path), 'utf8'));
    }
  }
  return files;
}

t.test('every source file keeps to the direction of imports', (t) => {
  const files = readSources(checkoutRoot());
  t.comment(`${files.size} files`);
  for (const folder of REQUIRED_FOLDERS) {
    const found = [...files.keys()].filter((path) => path.startsWith(`${folder}/`));
    t.ok(found.length > 0, `${folder}/ was read (${found.length} files)`);
  }
  t.strictSame(architectureProblems(files), []);
  t.end();
});

t.test('reading no file is a failure', (t) => {
  t.strictSame(architectureProblems(new Map()), ['no file was read']);
  t.end();
});

const WRONG = [
  ['upwards', 'radix/a.ts', "import { x } from '../lib/x.js';", 'radix imports lib: upwards'],
  ['types count', 'lib/a.ts', "import type { X } from '../cmd/x.js';", 'lib imports cmd: upwards'],
  ['re-export', 'world/a.ts', "export * from '../timenet/x.js';", 'world imports timenet: upwards'],
  ['dynamic', 'resp/a.ts', "const x = import('../radix/x.js');", 'resp imports radix: upwards'],
  ['in a type', 'resp/a.ts', "type A = import('../lib/x.js').X;", 'resp imports lib: upwards'],
  ['nested', 'lib/a/b.ts', "import { x } from '../../http/x.js';", 'lib imports http: upwards'],
  ['neighbour', 'murmur/a.ts', "import '../resp/x.js';", 'murmur imports resp: a neighbour'],
  ['tests', 'cmd/a.ts', "import '../test/x.js';", 'cmd imports test, which nothing may import'],
  ['bench', 'examples/a.ts', "import '../bench/x.js';", 'which nothing may import'],
  ['unknown folder', 'lib/a.ts', "import '../shelf/x.js';", 'shelf has no level'],
  ['system module', 'lib/a.ts', "import { connect } from 'node:net';", 'lib imports node:net'],
  ['chance by name', 'lib/a.ts', "import { randomBytes as createHash } from 'node:crypto';", 'lib'],
  ['the whole of crypto', 'lib/a.ts', "import * as crypto from 'node:crypto';", 'node:crypto'],
  ['package', 'radix/a.ts', "import pino from 'pino';", 'radix imports pino'],
  ['require', 'lib/a.ts', "const fs = require('fs');", 'lib imports fs'],
  ['wall clock', 'lib/a.ts', 'const now = Date.now();', 'Date.now in the core'],
  ['new Date()', 'timenet/a.ts', 'const now = new Date();', 'new Date() in the core'],
  ['new Date', 'timenet/a.ts', 'const now = new Date;', 'new Date() in the core'],
  ['Date()', 'timenet/a.ts', 'const now = Date();', 'Date() in the core'],
  ['chance', 'radix/a.ts', 'const r = Math.random();', 'Math.random in the core'],
  ['timer', 'discord/a.ts', 'setTimeout(() => {}, 1);', 'setTimeout in the core'],
  ['timer as a value', 'discord/a.ts', 'const later = setImmediate;', 'setImmediate in the core'],
  ['process', 'lib/a.ts', 'const home = process.env.HOME;', 'process in the core'],
  ['performance', 'lib/a.ts', 'const at = performance.now();', 'performance in the core'],
] as const;

t.test('what is wrong is found', (t) => {
  for (const [name, path, text, expected] of WRONG) {
    const problems = architectureProblems(new Map([[path, `// first line\n${text}\n`]]));
    t.equal(problems.length, 1, `${name}: one problem`);
    t.ok(problems[0]?.startsWith(`${path}:2: `) === true, `${name}: says where`);
    t.ok(problems[0]?.includes(expected) === true, `${name}: ${problems[0]}`);
  }
  t.end();
});

const RIGHT = [
  ['downwards', 'cmd/a.ts', "import '../lib/x.js';\nimport '../world/x.js';"],
  ['radix uses murmur', 'radix/a.ts', "import '../murmur/x.js';"],
  [
    'discord uses the codec',
    'discord/a.ts',
    "import '../resp/x.js';\nimport Denque from 'denque';",
  ],
  ['pure modules', 'lib/a.ts', "import { Buffer } from 'node:buffer';"],
  ['pure functions', 'lib/a.ts', "import { createHash } from 'node:crypto';"],
  ['same folder', 'lib/a/b.ts', "import '../c/x.js';"],
  ['tests import anything', 'test/a.ts', "import '../lib/x.js';\nimport '../bench/x.js';"],
  ['the world has a clock', 'world/real/a.ts', 'const now = Date.now() + performance.now();'],
  ['a date of a number', 'lib/a.ts', 'const date = new Date(0);'],
  [
    'a property of this name',
    'lib/a.ts',
    'const pid = info.process.pid; const o = { process: 1 };',
  ],
  ['comments and strings', 'lib/a.ts', "// Date.now()\nconst s = 'Math.random()';"],
] as const;

t.test('what is right passes', (t) => {
  for (const [name, path, text] of RIGHT) {
    t.strictSame(architectureProblems(new Map([[path, text]])), [], name);
  }
  t.end();
});
