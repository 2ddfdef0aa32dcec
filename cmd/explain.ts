/** `dhash explain`: where a command would run in the ring, and why it would be refused. */
import type { Command } from 'commander';
import { addressOption, type ServerAddress } from './address.js';
import { ExitError } from './exit.js';
import { connectTo, refused } from './node-client.js';

const HELP = `
The command is not run. --at is the node that would be asked: hops is 0 if it would answer itself.

Examples:
  $ dhash explain GET city:SE:Stockholm
  $ dhash explain --at 10.0.0.7:6379 --json RENAME a b
  $ dhash explain -- SET key --value
`;

interface ExplainFlags {
  readonly at: ServerAddress;
  readonly json?: boolean;
}

interface Explanation {
  readonly command: string;
  readonly routing: string;
  readonly epoch: number;
  readonly keys: readonly { key: string; owner: string; replicas: readonly string[] }[];
  readonly asked: readonly string[];
  readonly hops: number;
  readonly refused: string | null;
}

export function addExplainCommand(program: Command): void {
  program
    .command('explain')
    .description('tell where a command would run, and why it would be refused')
    .argument('<command...>', 'the command, with its arguments')
    .addOption(addressOption())
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action((words: string[], flags: ExplainFlags) => runExplain(words, flags));
}

async function runExplain(words: readonly string[], { at, json }: ExplainFlags): Promise<void> {
  const client = await connectTo(at);
  try {
    const reply = await client.ask('DHASH', 'EXPLAIN', ...words);
    if (reply instanceof Error) throw new ExitError(reply.message);
    const explanation = explanationOf(reply);
    console.log(json === true ? JSON.stringify(explanation) : linesOf(explanation));
  } catch (error) {
    throw refused(error);
  } finally {
    client.close();
  }
}

function explanationOf(reply: unknown): Explanation {
  const fields = fieldsOf(reply);
  const keys = fields.get('keys') as unknown[];
  return {
    command: String(fields.get('command')),
    routing: String(fields.get('routing')),
    epoch: Number(fields.get('epoch')),
    keys: keys.map((each) => {
      const key = fieldsOf(each);
      return {
        key: String(key.get('key')),
        owner: String(key.get('owner')),
        replicas: (key.get('replicas') as unknown[]).map(String),
      };
    }),
    asked: (fields.get('asked') as unknown[]).map(String),
    hops: Number(fields.get('hops')),
    refused: fields.get('refused') === null ? null : String(fields.get('refused')),
  };
}

/** A map of RESP2. */
function fieldsOf(reply: unknown): Map<string, unknown> {
  if (!Array.isArray(reply)) throw new ExitError('the server is no dhash node of this version');
  const fields = new Map<string, unknown>();
  for (let at = 0; at + 1 < reply.length; at += 2) fields.set(String(reply[at]), reply[at + 1]);
  return fields;
}

function linesOf({ asked, command, epoch, hops, keys, refused, routing }: Explanation): string {
  const lines = [`command   ${command}`, `routing   ${routing}`];
  for (const { key, owner, replicas } of keys) {
    lines.push(
      `key       ${JSON.stringify(key)}: ${owner}, then ${replicas.join(', ') || 'nobody'}`,
    );
  }
  if (refused === null) lines.push(`asked     ${asked.join(', ')}`, `hops      ${hops}`);
  else lines.push(`refused   ${refused}`);
  lines.push(`epoch     ${epoch}`);
  return lines.join('\n');
}
