/**
 * Tables of named rows: each is a short conversation with an empty node.
 *
 *   ['SET NX leaves what is there', ['SET a 1', 'OK'], ['SET a 2 NX', null], ['GET a', '1']]
 *
 * A command is split at spaces, `""` is the empty string; a number instead moves time on, ms.
 */
import t from 'tap';
import type { Settings } from '../../lib/config/settings.js';
import { type LocalClient, localClient, type Plain } from '../support/local.js';

export type Step = readonly [command: string | readonly (string | Buffer)[], expected: Plain];
export type Row = readonly [name: string, ...steps: (Step | number)[]];

export const OK = 'OK';
export const SYNTAX = '-ERR syntax error';
export const NOT_INTEGER = '-ERR value is not an integer or out of range';
export const NOT_FLOAT = '-ERR value is not a valid float';
export const TOO_LONG = '-ERR string exceeds maximum allowed size (proto-max-bulk-len)';

export function testRows(
  subject: string,
  rows: readonly Row[],
  change?: (settings: Settings) => void,
): void {
  t.test(subject, async (t) => {
    const client = await localClient(change);
    for (const [name, ...steps] of rows) {
      client.send('FLUSHALL');
      client.send('SELECT', '0');
      for (const step of steps) {
        if (typeof step === 'number') {
          client.world.advance(step);
          continue;
        }
        const [command, expected] = step;
        t.same(sendLine(client, command), expected, `${name}: ${String(command)}`);
      }
    }
  });
}

export function sendLine(
  client: LocalClient,
  command: string | readonly (string | Buffer)[],
): Plain {
  return client.send(...(typeof command === 'string' ? words(command) : command));
}

function words(line: string): string[] {
  return line.split(' ').map((word) => (word === '""' ? '' : word));
}
