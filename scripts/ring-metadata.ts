/** What COMMAND tells of the subcommands of DHASH about the ring. */
import { base, type Command, KEY, keySpec, optional, own, type Table } from './metadata-docs.js';

const ALWAYS = ['loading', 'stale'];
const ALONE = ['noscript', 'no_multi'];
const SLOW = ['@slow'];
const ADMIN = ['@admin', '@slow', '@dangerous'];
const PER_MEMBER = 'O(N), N being the members of the ring.';

export function ringCommands(): Table {
  return {
    'dhash|leave': {
      ...base(-2, ['admin', ...ALONE], [0, 0, 0], ADMIN),
      docs: own(
        'Hand over what the node holds, leave the ring, and stop',
        'O(N), N being the entries that it holds.',
        [optional({ name: 'member', type: 'string', token: 'FORCE' })],
      ),
    },
    'dhash|migrate': {
      ...base(3, ['admin', ...ALONE], [0, 0, 0], ADMIN),
      docs: own(
        'Move this member of the ring to another position',
        'O(log(N)), N being the entries that it owns.',
        [{ name: 'position', type: 'string' }],
      ),
    },
    'dhash|owners': ownersCommand(),
    'dhash|ring': {
      ...base(2, ALWAYS, [0, 0, 0], SLOW),
      docs: own('Get the members of the ring, as this one knows it', PER_MEMBER, []),
    },
    'dhash|status': {
      ...base(2, ['loading', ...ALONE, 'stale'], [0, 0, 0], SLOW),
      docs: own('Ask all members how they are', PER_MEMBER, []),
    },
    'dhash|verify': {
      ...base(2, ALONE, [0, 0, 0], SLOW),
      docs: own('Compare all replicas of the ring, and check it', PER_MEMBER, []),
    },
  };
}

export function peerCommand(): Command {
  return {
    ...base(-2, ['loading', 'no_auth', ...ALONE, 'stale'], [0, 0, 0], ['@slow', '@connection']),
    docs: own('How another member introduces itself', 'O(1)', [{ name: 'step', type: 'string' }]),
  };
}

function ownersCommand(): Command {
  return {
    ...base(3, ALWAYS, [2, 2, 1], SLOW),
    keySpecs: [{ ...keySpec(['RO']), begin_search: { type: 'index', spec: { index: 2 } } }],
    docs: own(
      'Get the members that hold a key, the owner first',
      'O(log(N)), N being the members of the ring.',
      [KEY],
    ),
  };
}
