/** INFO ring and timenet: this node's part in the ring, and what time the members agree on. */
import type { Server } from '../server.js';
import type { InfoLine } from './section.js';

export function ringLines({ ring, router }: Server): InfoLine[] {
  if (ring === undefined) return [];
  const { view, liveness } = ring;
  const handover = router?.handover;
  const members = ring.allMembers();
  const dead = members.filter(({ id }) => !ring.isAlive(id));
  const lines: InfoLine[] = [
    ['ring_state', stateName(ring)],
    ['ring_cluster_id', view?.clusterId ?? ''],
    ['ring_member_id', ring.selfId],
    ['ring_address', ring.address],
    ['ring_epoch', view?.epoch ?? 0],
    ['ring_replicas', view?.replicas ?? 0],
    ['ring_members', view?.members.length ?? 0],
    ['ring_members_dead', dead.length],
    ['ring_change', view?.next?.change.kind ?? 'none'],
    ['ring_handovers_awaited', handover?.awaitedCount ?? 0],
    ['ring_handovers_missed', handover?.missed ?? 0],
    ['ring_health', liveness.swim.health],
    ['ring_join_error', ring.lastJoinError.replace(/[\r\n]/g, ' ')],
  ];
  for (const [index, { id, address, origin }] of members.entries()) {
    const status = ring.isAlive(id) ? (liveness.swim.statusOf(id) ?? 'alive') : 'dead';
    lines.push([`member${index}`, `id=${id},address=${address},origin=${origin},status=${status}`]);
  }
  return lines;
}

function stateName(ring: NonNullable<Server['ring']>): string {
  if (!ring.isReady) return 'joining';
  if (ring.isLeaving) return 'leaving';
  return ring.selfIndex < 0 ? 'no member' : 'member';
}

export function timenetLines({ ring, settings }: Server): InfoLine[] {
  if (ring === undefined) return [];
  const status = ring.time.timer.status();
  const lines: InfoLine[] = [
    ['timenet_offset_ms', status.offsetMs.toFixed(3)],
    ['timenet_error_ms', status.errorMs.toFixed(3)],
    ['timenet_stability_ms', status.stabilityMs.toFixed(3)],
    ['timenet_clock_skew_ms', status.skewMs.toFixed(3)],
    ['timenet_clock_skew_max_ms', settings.clockSkewMaxMs],
    ['timenet_clock_is_wrong', ring.isSkewed ? 1 : 0],
  ];
  for (const [index, peer] of status.peers.entries()) {
    lines.push([
      `peer${index}`,
      `id=${peer.id},error_ms=${peer.errorMs.toFixed(3)},latency_ms=${peer.latencyMs.toFixed(3)},` +
        `deviation_ms=${peer.deviationMs.toFixed(3)},used=${peer.usedCount},refused=${peer.refusedCount}`,
    ]);
  }
  return lines;
}
