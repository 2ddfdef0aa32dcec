/**
 * Reads of several keys whose keys have several owners (SUNION, ZINTER, PFCOUNT, LCS ...): the
 * values come here, as DUMP gives them, into a database at the side, and the command runs on that.
 *
 *   DUMP a --> A    DUMP b --> B          RESTORE a, b at the side --> SUNION a b --> reply
 *
 * Not a snapshot: each value is as it was when its owner was asked. What it costs grows with the
 * values, not with the result; keys that share a {tag} have one owner and need none of this.
 */
import type { Args } from '../../resp/args.js';
import type { Command } from '../commands/command.js';
import { SideDatabase } from '../store/side-database.js';
import { keysOf } from './owned-keys.js';
import type { Plan } from './parts.js';
import { bulkOf, isNull } from './raw-reply.js';
import type { Router } from './router.js';

/** Keys that one command may gather; more are refused as keys of several owners. */
export const GATHERED_KEYS_MAX = 1024;

export function gatherPlan(router: Router, command: Command, request: Args): () => Plan {
  const args = request.clone();
  const keys = new Map<string, Buffer>();
  for (const { buf, from, to } of keysOf(router.server, command, args)) {
    keys.set(buf.toString('latin1', from, to), buf.subarray(from, to));
  }
  const words: Buffer[] = [];
  for (let i = 0; i < args.count; i += 1) words.push(args.bytes(i));
  return function* (): Plan {
    const { ring, selfIndex, server } = router;
    const names = [...keys.values()];
    const dumps = yield names.map((key) => {
      return { owner: ring.ownerOf(key, 0, key.length), words: ['DUMP', key] };
    });
    const side = new SideDatabase(server.store);
    const here = { owner: selfIndex, isExact: true, side };
    try {
      for (const [at, dump] of dumps.entries()) {
        if (isNull(dump)) continue;
        yield [{ ...here, words: ['RESTORE', names[at]!, '0', bulkOf(dump)] }];
      }
      const [reply] = yield [{ ...here, words }];
      return reply!;
    } finally {
      side.forgetClear();
    }
  };
}
