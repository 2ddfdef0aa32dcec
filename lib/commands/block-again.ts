/** Commands that have waited for keys, as they are to be sent anew: to another owner of these keys. */
import { Args } from '../../resp/args.js';

/** A time of 0 would be no limit at all. */
const LEFT_MIN_MS = 1;

/**
 * The command with the time that is left after `waitedMs`, and with `ids` (of streams, as many as it
 * has keys, or none) in place of those it ends with: `$` means what was the last when it was sent.
 */
export function afterWaiting(args: Args, waitedMs: number, ids: readonly string[] = []): Args {
  const words: (string | Buffer)[] = Array.from({ length: args.count }, (_, i) => args.bytes(i));
  words.splice(words.length - ids.length, ids.length, ...ids);
  const name = args.string(0).toLowerCase();
  const isMs = name === 'xread' || name === 'xreadgroup';
  const at = isMs ? blockAt(args) : timeoutAt(name, args);
  const unitMs = isMs ? 1 : 1000;
  const timeoutMs = Number(args.string(at)) * unitMs;
  if (timeoutMs > 0) {
    const leftMs = Math.max(LEFT_MIN_MS, Math.ceil(timeoutMs - waitedMs));
    words[at] = String(leftMs / unitMs);
  }
  return Args.of(...words);
}

function timeoutAt(name: string, args: Args): number {
  return name === 'blmpop' || name === 'bzmpop' ? 1 : args.count - 1;
}

/** Where the milliseconds of BLOCK stand in an XREAD or XREADGROUP that has it. */
function blockAt(args: Args): number {
  let at = 1;
  while (!args.equalsIgnoreCase(at, 'BLOCK')) {
    if (args.equalsIgnoreCase(at, 'GROUP')) at += 3;
    else at += args.equalsIgnoreCase(at, 'COUNT') ? 2 : 1;
  }
  return at + 1;
}
