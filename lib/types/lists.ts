/**
 * Lists: an element's sub key is its position (list-positions.ts), its value the element. Rank and
 * n-th of the tree make every index O(log n).
 *
 * Functions on the list that a collection is turned to. Those that write take positions that no
 * entry has, tombstones included, so that what has been removed elsewhere stays removed.
 */
import { KEY_BYTES_MAX, type Leaf } from '../../radix/leaf.js';
import { copyBytes } from '../../resp/bytes.js';
import type { Collection } from '../store/collection.js';
import {
  COMPONENT_BYTES_MAX,
  componentEnd,
  componentNumber,
  GAP,
  onlyPosition,
  positionAfter,
  positionBefore,
  positionBetween,
  writeComponent,
} from './list-positions.js';

/** A position that would be longer makes what crowds about it be given new ones. */
export const POSITION_BYTES_MAX = 96;

const low = Buffer.allocUnsafeSlow(KEY_BYTES_MAX);
const high = Buffer.allocUnsafeSlow(KEY_BYTES_MAX);
const made = Buffer.allocUnsafeSlow(KEY_BYTES_MAX + COMPONENT_BYTES_MAX);

/** Puts an element before all others. */
export function pushFirst(list: Collection, value: Buffer, from: number, to: number): void {
  const { elements } = list;
  const { origin } = list.database.store;
  const first = elements.firstEntry();
  let bytes: number;
  let isAbsent = false;
  if (first === 0) {
    bytes = onlyPosition(origin, made);
  } else {
    elements.copyKey(first, high, 0);
    bytes = positionBefore(high, origin, made);
    isAbsent = elements.leadBeyond(first, made, 0, bytes);
  }
  list.put(made, 0, bytes, value, from, to, 0, isAbsent);
}

/** Puts an element behind all others. */
export function pushLast(list: Collection, value: Buffer, from: number, to: number): void {
  const { elements } = list;
  const { origin } = list.database.store;
  const last = elements.lastEntry();
  let bytes: number;
  let isAbsent = false;
  if (last === 0) {
    bytes = onlyPosition(origin, made);
  } else {
    elements.copyKey(last, low, 0);
    bytes = positionAfter(low, origin, made);
    isAbsent = elements.leadBeyond(last, made, 0, bytes);
  }
  list.put(made, 0, bytes, value, from, to, 0, isAbsent);
}

/** Puts an element before the one with this index, or behind all if there is none. */
export function insertAt(
  list: Collection,
  index: number,
  value: Buffer,
  from: number,
  to: number,
): void {
  if (index === 0) {
    pushFirst(list, value, from, to);
  } else if (index >= list.size) {
    pushLast(list, value, from, to);
  } else {
    let bytes = makePosition(list, index);
    if (bytes > POSITION_BYTES_MAX) {
      spread(list, componentEnd(made, 0));
      bytes = makePosition(list, index);
    }
    list.put(made, 0, bytes, value, from, to);
  }
}

/** Makes a position before the element with this index, which is neither the first nor none. */
function makePosition(list: Collection, index: number): number {
  const { elements } = list;
  const { origin } = list.database.store;
  const next = elements.nth(index);
  const highBytes = elements.copyKey(next, high, 0);
  const lowBytes = elements.copyKey(elements.prevEntry(high, 0, highBytes), low, 0);
  return positionBetween(low, lowBytes, high, origin, made);
}

/**
 * Gives all elements below the component made[0, to) new positions of two components, behind the
 * old ones and in their order; then takes the old ones out.
 */
function spread(list: Collection, to: number): void {
  const { elements } = list;
  const { origin } = list.database.store;
  const prefix = Buffer.from(made.subarray(0, to));
  const old: Buffer[] = [];
  let number = 0;
  for (
    let leaf = elements.next(prefix, 0, to);
    leaf !== 0;
    leaf = elements.next(old.at(-1)!, 0, old.at(-1)!.length)
  ) {
    const position = elements.key(leaf);
    if (position.compare(prefix, 0, to, 0, to) !== 0) break;
    number = componentNumber(position, to);
    old.push(position);
  }
  for (const position of old) {
    number += GAP;
    const value = elements.value(elements.find(position, 0, position.length));
    copyBytes(prefix, 0, to, made, 0);
    const bytes = writeComponent(made, to, number, origin);
    list.put(made, 0, bytes, value, 0, value.length);
  }
  for (const position of old) list.remove(position, 0, position.length);
}

/** Replaces the value of an element. */
export function setElement(
  list: Collection,
  element: Leaf,
  value: Buffer,
  from: number,
  to: number,
): void {
  const bytes = list.elements.copyKey(element, low, 0);
  list.put(low, 0, bytes, value, from, to);
}

/** Removes an element, and the key with the last one. */
export function removeElement(list: Collection, element: Leaf): void {
  const bytes = list.elements.copyKey(element, low, 0);
  list.remove(low, 0, bytes);
}
