/** DHASH: commands about dhash itself. */
import { hashHex } from '../../../murmur/murmur3.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { prefixWithHash } from '../../encoding.js';
import { replyExplanation } from '../../routing/explain.js';
import type { Session } from '../../server/session.js';
import type { CommandRow } from '../command.js';
import { helpRow } from '../help.js';
import { SYNTAX_ERROR, unknownSubcommand } from '../replies.js';
import { backupCommands } from './backup.js';
import { loopCommands } from './loops.js';
import { ringCommands } from './ring.js';

/** DHASH HASH key [PREFIX] */
function hash(_session: Session, args: Args, reply: ReplyWriter): void {
  if (args.count > 4 || (args.count === 4 && !args.equalsIgnoreCase(3, 'PREFIX'))) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const key = args.bytes(2);
  if (args.count === 3) {
    reply.bulkLatin1(hashHex(key));
    return;
  }
  const prefixed = prefixWithHash(key);
  reply.bulk(prefixed, 0, prefixed.length);
}

/** DHASH EXPLAIN command ... */
function explain(session: Session, args: Args, reply: ReplyWriter): void {
  const { router } = session.server;
  if (router?.links.isReady === true) replyExplanation(router, args.clone(2), reply);
  else reply.error('TRYAGAIN this node is in no ring yet');
}

export const dhashCommands: readonly CommandRow[] = [
  {
    name: 'dhash',
    arity: -2,
    flags: 0,
    handler: (_session, args, reply) => reply.error(unknownSubcommand('dhash', args.string(1))),
    subcommands: [
      { name: 'hash', arity: -3, flags: 0, keys: [2, 2, 1], handler: hash },
      { name: 'explain', arity: -3, flags: 0, handler: explain },
      ...backupCommands,
      ...ringCommands,
      ...loopCommands,
      helpRow('dhash', [
        'BACKUP',
        '    Send all entries as they are at this moment, as `dhash backup` keeps them.',
        'EXPLAIN <command> [<arg> ...]',
        '    Return where a command would run, and why it would be refused, without running it.',
        'HASH <key> [PREFIX]',
        '    Return the MurmurHash3 (x64, 128 bits) of <key> as 32 hexadecimal digits.',
        '    With PREFIX return the key with its hash and a colon in front: such keys',
        '    lie evenly over a ring and stay readable.',
        'LEAVE [FORCE <member>]',
        '    Hand over what this node holds, leave the ring, and stop. With FORCE go on without a',
        '    dead <member> (id or address) where too few are left to decide it: the forced ring',
        '    is another one, and never takes <member> back.',
        'MIGRATE <position>|HALF',
        '    Move this member to <position>, or so that its successor owns half of what it does.',
        '    Replies at once; DHASH RING shows when the ring has made the change.',
        'OWNERS <key>',
        '    Return who holds <key>: address, id, up or down; the owner first.',
        'RESTORE BEGIN|CHUNK <bytes>|END',
        '    Take the entries of a backup into an empty node, as `dhash restore` does.',
        'RING',
        '    Return the ring as this node knows it: epoch, cluster id, members, positions.',
        'STATUS',
        '    Ask all members how they are: entries, bytes, shares, clocks.',
        'VERIFY',
        '    Compare all replicas of all ranges, look for what lies where it should not, and check',
        '    that what the members know of the ring fits together.',
      ]),
    ],
  },
];
