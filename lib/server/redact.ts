/**
 * Which arguments hold a password: MONITOR and SLOWLOG show `(redacted)` in their place, as Redis
 * does.
 */
import type { Args } from '../../resp/args.js';
import { latin1 } from '../../resp/bytes.js';
import type { Command } from '../commands/command.js';

export const REDACTED = '(redacted)';

/**
 * The argument as MONITOR and SLOWLOG may show it, one character per byte. Of a long one only the
 * beginning is ever made a text: half a gigabyte is more than V8 takes, and a slice of a text
 * keeps the whole of it in memory.
 */
export function shownArgument(
  command: Command | undefined,
  args: Args,
  i: number,
  bytesMax: number,
): string {
  if (command !== undefined && isSecret(command.fullName, args, i)) return REDACTED;
  const rest = args.length(i) - bytesMax;
  if (rest <= 0) return args.string(i);
  const from = args.starts[i]!;
  return `${latin1(args.buf, from, from + bytesMax)}... (${rest} more bytes)`;
}

function isSecret(name: string, args: Args, i: number): boolean {
  switch (name) {
    case 'auth':
      return i > 0;
    case 'hello':
      return follows(args, i, 1, 'AUTH') || follows(args, i, 2, 'AUTH');
    case 'config|set':
      return i >= 3 && i % 2 === 1 && isSecretSetting(args.string(i - 1).toLowerCase());
    case 'migrate':
      return (
        follows(args, i, 1, 'AUTH') || follows(args, i, 1, 'AUTH2') || follows(args, i, 2, 'AUTH2')
      );
    case 'acl|setuser':
      return i >= 2;
    default:
      return false;
  }
}

function follows(args: Args, i: number, distance: number, upper: string): boolean {
  return i > distance && args.equalsIgnoreCase(i - distance, upper);
}

function isSecretSetting(name: string): boolean {
  return ['requirepass', 'masterauth', 'masteruser', 'cluster-secret'].includes(name);
}
