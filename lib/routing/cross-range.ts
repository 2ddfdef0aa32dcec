/** What a command is refused with whose keys lie with several owners. */
import type { Args } from '../../resp/args.js';
import type { Command, FoundKey } from '../commands/command.js';
import { shortText } from '../commands/replies.js';
import { sortPatterns } from '../commands/sort/sort-options.js';
import { keysOf } from './owned-keys.js';
import type { Router } from './router.js';

/** Keys named in an error, and how much of each is shown, characters. */
const KEYS_SHOWN_MAX = 8;
const KEY_SHOWN_MAX = 64;

export function crossRange(router: Router, command: Command, args: Args): string {
  if (command.name === 'sort' || command.name === 'sort_ro') {
    const patterns = sortPatterns(args).map((pattern) => shortText(String(pattern), KEY_SHOWN_MAX));
    if (patterns.length > 0) {
      return (
        `CROSSRANGE the patterns of '${command.name}' may lead to keys of other owners: ` +
        `${patterns.slice(0, KEYS_SHOWN_MAX).join(', ')}; nothing was applied; begin them with ` +
        'the {tag} that the key begins with'
      );
    }
  }
  return crossRangeOf(router, command.fullName, keysOf(router.server, command, args));
}

/** `keys` may be many; some are shown. */
export function crossRangeOf(router: Router, name: string, keys: readonly FoundKey[]): string {
  const { ring } = router;
  const shown: string[] = [];
  for (const { buf, from, to } of someOfEachOwner(router, keys)) {
    const key = shortText(buf.toString('latin1', from, to), KEY_SHOWN_MAX);
    shown.push(`'${key}' at ${ring.members[ring.ownerOf(buf, from, to)]!.address}`);
  }
  const more = keys.length > shown.length ? `, ${keys.length - shown.length} more` : '';
  return (
    `CROSSRANGE the keys of '${name}' have several owners: ${shown.join(', ')}${more}; nothing was ` +
    'applied; keys that share a {tag} at their beginning have one owner'
  );
}

/** The first keys, and at least one of a second owner. */
function someOfEachOwner({ ring }: Router, keys: readonly FoundKey[]): FoundKey[] {
  const shown = keys.slice(0, KEYS_SHOWN_MAX);
  const first = shown[0];
  if (first === undefined) return shown;
  const ownerOf = ({ buf, from, to }: FoundKey): number => ring.ownerOf(buf, from, to);
  const isElsewhere = (key: FoundKey): boolean => ownerOf(key) !== ownerOf(first);
  if (shown.some(isElsewhere)) return shown;
  const other = keys.find(isElsewhere);
  if (other !== undefined) shown[shown.length - 1] = other;
  return shown;
}
