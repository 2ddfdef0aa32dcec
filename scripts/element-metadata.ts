/** The metadata of what dhash alone has on hashes and sets: their order, and hashes by value. */
import {
  BOUNDS,
  base,
  type Command,
  type Docs,
  INDEX,
  KEY,
  keySpec,
  oneOf,
  optional,
  own,
  RANGE_OPTIONS,
  type Table,
  token,
  WITH_VALUES,
} from './metadata-docs.js';

const LOG_N = 'O(D), D being the depth of the tree: at most the bytes of the longest element.';
const RANGE = 'O(D+M), D being the depth of the tree and M the number of elements answered.';

/** A command that reads. */
function read(acl: string, arity: number, isFast: boolean, summary: string, args: Docs[]): Command {
  const flags = isFast ? ['readonly', 'fast'] : ['readonly'];
  return {
    ...base(arity, flags, [1, 1, 1], ['@read', acl, isFast ? '@fast' : '@slow']),
    keySpecs: [keySpec(['RO', 'access'])],
    docs: own(summary, isFast ? LOG_N : RANGE, [KEY, ...args]),
  };
}

/** The commands of one type, whose elements are called `element`. */
function ordered(letter: string, type: string, element: string, values: Docs[]): Table {
  const acl = `@${type}`;
  const one: Docs = { name: element, type: 'string' };
  const few = (name: string, arity: number, summary: string, args: Docs[]): Table => {
    return { [letter + name]: read(acl, arity, true, summary, args) };
  };
  const range = [...BOUNDS, ...RANGE_OPTIONS, ...values];
  const nthArity = values.length > 0 ? -3 : 3;
  const kind = `a ${type}`;
  return {
    [`${letter}range`]: read(acl, -4, false, `Get ${element}s of ${kind} between two`, range),
    ...few('count', 4, `Count the ${element}s of ${kind} between two`, BOUNDS),
    ...few('rank', 3, `Determine the index of a ${element} in the order of ${kind}`, [one]),
    ...few('revrank', 3, `Determine the index of a ${element} of ${kind} from the last`, [one]),
    ...few('nth', nthArity, `Get the ${element} at an index of ${kind}`, [INDEX, ...values]),
    ...few('next', 3, `Get the first ${element} of ${kind} above one that need not exist`, [one]),
    ...few('prev', 3, `Get the last ${element} of ${kind} below one that need not exist`, [one]),
  };
}

function byValue(): Table {
  const acl = '@hash';
  const field: Docs = { name: 'field', type: 'string' };
  const of = 'of a mirrored hash';
  const range = [...BOUNDS, ...RANGE_OPTIONS, WITH_VALUES];
  const rank = `Determine the index of a field ${of} in the order of values`;
  return {
    hmirror: {
      ...base(-2, ['write', 'denyoom'], [1, 1, 1], ['@write', acl, '@slow']),
      keySpecs: [keySpec(['RW', 'update'])],
      docs: own(
        'Give a hash an order by value, take it away, or tell whether it has one',
        'O(N) to give it, N being the number of fields, O(1) to take it away.',
        [KEY, optional(oneOf('enabled', [token('on'), token('off')]))],
      ),
    },
    hvrange: read(acl, -4, false, `Get fields ${of} by value, between two values`, range),
    hvcount: read(acl, 4, true, `Count the fields ${of} between two values`, BOUNDS),
    hvrank: read(acl, 3, true, rank, [field]),
    hvrevrank: read(acl, 3, true, `${rank}, from the last`, [field]),
    hvnth: read(acl, -3, true, `Get the field ${of} at an index in the order of values`, [
      INDEX,
      WITH_VALUES,
    ]),
  };
}

export function elementCommands(): Table {
  return {
    ...ordered('h', 'hash', 'field', [WITH_VALUES]),
    ...ordered('s', 'set', 'member', []),
    ...byValue(),
  };
}
