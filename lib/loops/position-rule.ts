/**
 * Where members may stand: never between keys that share the prefix up to and including their first
 * {tag}, so that such keys always have one owner.
 *
 *   keys with the prefix "u:{ann}"     all begin with it: they lie between it and "u:{ann~"
 *
 *   ... | u:{ann}:a  u:{ann}:b  u:{ann}c | ...
 *     u:{ann                         u:{ann~        positions that are allowed, next to them
 *
 * `}` is the byte 0x7d and `~` the one behind it. As in Redis a tag is what lies between the first `{` and
 * the first `}` behind it, if that is anything. A position separates keys of one tag only if it begins
 * with their prefix itself; so those that hold no whole tag are the allowed ones.
 */
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** Bytes of the prefix of a key up to and including its first {tag}; 0: it has none. */
export function tagPrefixBytes(key: Buffer): number {
  const open = key.indexOf(OPEN);
  if (open < 0) return 0;
  const close = key.indexOf(CLOSE, open + 1);
  return close > open + 1 ? close + 1 : 0;
}

/** The position itself if a member may stand there; otherwise the two next to it, the lower first. */
export function allowedPositions(position: Buffer): Buffer[] {
  const bytes = tagPrefixBytes(position);
  if (bytes === 0) return [position];
  const upper = Buffer.from(position.subarray(0, bytes));
  upper[bytes - 1] = CLOSE + 1;
  return [Buffer.from(position.subarray(0, bytes - 1)), upper];
}
