/** Why an expression cannot be evaluated, for the client; undefined: that is a fault of ours. */
import { SnapshotLostError } from '../../../radix/snapshot.js';
import { repr } from '../../server/repr.js';
import { OUT_OF_MEMORY } from '../replies.js';
import type { Evaluation } from './evaluation.js';
import { MergeError } from './values.js';

/** Of an element that an error names. */
const SHOWN_BYTES_MAX = 64;

export function failureText(error: unknown, { selection }: Evaluation): string | undefined {
  if (error instanceof SnapshotLostError) return OUT_OF_MEMORY;
  if (!(error instanceof MergeError)) return undefined;
  const { buf, bytes } = selection.root.key;
  const element = repr(buf.toString('latin1', 0, Math.min(bytes, SHOWN_BYTES_MAX)));
  return `ERR ${error.merge} of ${element}: ${error.message}`;
}
