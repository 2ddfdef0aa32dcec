/**
 * Runs one benchmark of this folder:
 *
 *   npm run bench -- NAME [--json] [--quick] [--rounds N] [--only PART ...]
 *
 * --json prints one row per line, --quick shows in short that it works, --rounds says how
 * often each contestant runs, --only names parts of a benchmark that has some (ring, disk). Without a name: the list of names. Exit code 2: wrong usage.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { BenchOptions } from './support/harness.js';

interface Bench {
  run(options: BenchOptions): void | Promise<void>;
}

const USAGE = 'npm run bench -- NAME [--json] [--quick] [--rounds N] [--only PART ...]';

function benchNames(): string[] {
  const files = readdirSync(fileURLToPath(new URL('.', import.meta.url)));
  const names = files.filter((file) => file.endsWith('.js') && file !== 'main.js');
  return names.map((file) => file.slice(0, -'.js'.length)).sort();
}

/** Its one module with all that it uses, if the build has made one (scripts/build.js). */
function moduleOf(name: string): URL {
  const whole = new URL(`./whole/${name}.js`, import.meta.url);
  return existsSync(whole) ? whole : new URL(`./${name}.js`, import.meta.url);
}

/** The first sentence of a benchmark's header. */
function headline(name: string): string {
  const source = readFileSync(new URL(`./${name}.js`, import.meta.url), 'utf8');
  const header = /\/\*\*([\s\S]*?)\*\//.exec(source)?.[1] ?? '';
  const text = header
    .replace(/\n\s*\*/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return /^.*?[.:;](?= |$)/.exec(text)?.[0].replace(/[:;]$/, '.') ?? text;
}

function usage(names: readonly string[]): string {
  const width = Math.max(...names.map((name) => name.length));
  const lines = names.map((name) => `  ${name.padEnd(width)}  ${headline(name)}`);
  return `${USAGE}\n${lines.join('\n')}\n`;
}

async function main(): Promise<number> {
  const names = benchNames();
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${usage(names)}`);
    return 2;
  }
  const { values, positionals } = parsed;
  const [name] = positionals;
  if (name === undefined || !names.includes(name) || positionals.length > 1) {
    if (name !== undefined) process.stderr.write(`no benchmark '${positionals.join(' ')}'\n`);
    process.stderr.write(usage(names));
    return 2;
  }
  const rounds = values.rounds === undefined ? {} : { rounds: Number(values.rounds) };
  const bench = (await import(moduleOf(name).href)) as Bench;
  const only = values.only === undefined ? {} : { only: values.only };
  await bench.run({ json: values.json, quick: values.quick, ...rounds, ...only });
  return 0;
}

function parse() {
  return parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      only: { type: 'string', multiple: true },
    },
  });
}

process.exitCode = await main();
