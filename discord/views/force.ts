/**
 * The forced view: a human decides that members are lost for good, where too few are left to
 * decide anything. It is not agreed on, so it is a ring of its own, with another cluster id: should
 * the lost ones be alive after all, the two rings refuse each other by name.
 *
 * The new id follows from the view and from who is lost. So survivors that know the same view and
 * are told the same come to the same ring, and others do not.
 */
import { createHash } from 'node:crypto';
import { CLUSTER_ID_DIGITS, checkedView, type View } from '../ring/view.js';
import { encodeView } from '../ring/view-codec.js';

/** The view without `lost`; undefined if nobody is left. */
export function forcedView(view: View, lost: readonly string[]): View | undefined {
  const members = view.members.filter(({ id }) => !lost.includes(id));
  if (members.length === 0) return undefined;
  const hash = createHash('sha256').update('forced').update(encodeView(view));
  for (const id of [...new Set(lost)].sort()) hash.update(id);
  const clusterId = hash.digest('hex').slice(0, CLUSTER_ID_DIGITS);
  const { next: _, ...rest } = view;
  return checkedView({ ...rest, clusterId, epoch: view.epoch + 1, members });
}
