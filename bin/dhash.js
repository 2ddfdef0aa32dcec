#!/usr/bin/env node
/**
 * The `dhash` command. Says what is missing, in plain words, before it loads what needs it: hence
 * no syntax or module here that an old Node does not know.
 */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR_MIN = 20;
const folder = new URL('../dist/', import.meta.url);
// A node is one module, which runs faster (docs/decisions/0027); other commands load what they need.
const isNode = process.argv[2] === 'node';
const main = new URL(isNode ? 'whole/node.js' : 'cmd/main.js', folder);

async function start() {
  if (isNode) {
    // Before anything else: the heap grows while code is loaded.
    const asksForHelp = process.argv.some((word) => word === '--help' || word === '-h');
    if (!asksForHelp) {
      const { beginWithTunedAllocator } = await import(
        new URL('cmd/memory-allocator.js', folder).href
      );
      beginWithTunedAllocator();
    }
    const { keepV8Small } = await import(new URL('cmd/v8-memory.js', folder).href);
    keepV8Small();
  }
  const { run } = await import(main.href);
  await run(process.argv);
}

if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_MIN) {
  console.error(`dhash needs Node ${NODE_MAJOR_MIN} or newer; this is ${process.version}.`);
  process.exitCode = 1;
} else if (!existsSync(fileURLToPath(main))) {
  console.error('dhash is not built yet. In its folder, run: npm ci && npm run build');
  process.exitCode = 1;
} else {
  start().catch((error) => {
    console.error(error);
    process.exitCode = 1;
  });
}
