/** A page of docs/ whose tables are run: rows that end with a command and its reply. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LocalClient, localClient, type Plain } from '../support/local.js';
import { projectRoot } from '../support/server-process.js';

export interface PageRow {
  readonly title: string;
  readonly command: string;
  readonly reply: Plain;
}

export interface Page {
  readonly text: string;
  /** Commands in the block behind `on these data`. */
  readonly setup: readonly string[];
  readonly rows: readonly PageRow[];
  /** Lines of tables that are neither a head nor the rule below it. */
  readonly rowLines: number;
}

export function readPage(name: string): Page {
  const text = readFileSync(join(projectRoot(), 'docs', name), 'utf8');
  const setup = /on these data:\n\n```\n([\s\S]*?)```/.exec(text)![1]!.trim().split('\n');
  const row = /^\| (.*?) ?\| (?:.*? ?\| )?`([^`]+)` \| `(.+?)` \|$/gm;
  const rows = [...text.matchAll(row)].map(([, title, command, reply]) => {
    return { title: title!, command: command!, reply: JSON.parse(reply!) as Plain };
  });
  const lines = text.split('\n').filter((line) => line.startsWith('|'));
  const rules = lines.filter((line) => /^\|[-|]+\|$/.test(line));
  return { text, setup, rows, rowLines: lines.length - 2 * rules.length };
}

/** A client of a node that has the page's data. */
export async function clientOn({ setup }: Page): Promise<LocalClient> {
  const client = await localClient();
  for (const line of setup) {
    const reply = client.send(...words(line));
    const isError = typeof reply === 'string' && reply.startsWith('-');
    if (isError) throw new Error(`${line}: ${reply}`);
  }
  return client;
}

/** A command line as in redis-cli: words, and texts in quotes. */
export function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word!);
}
