/**
 * A ring under random trouble: nodes join, leave, move, crash, come back, stand still and die, the
 * network loses, doubles and splits; then all is quiet, and the ring has to become one again.
 */

import { type RingNode, RingSim } from './ring-sim.js';

export interface ChaosResult {
  readonly seed: number;
  readonly problems: readonly string[];
  readonly views: number;
  readonly events: number;
  readonly hash: string;
  readonly log: readonly string[];
}

const CHAOS_MS = 40_000;
const QUIET_MAX_MS = 300_000;
const MEMBERS_MAX = 9;
/** Now and then a ring is large. */
const LARGE_CHANCE = 0.01;
const LARGE_MAX = 50;
const STEP_MAX_MS = 1500;
const FIERCE_STEP_MAX_MS = 200;

type Trouble = (sim: RingSim) => string;

export function runChaos(seed: number): ChaosResult {
  const sim = new RingSim(seed);
  const { random } = sim.net;
  const log: string[] = [];
  const note = (text: string): void => {
    const { newest } = sim;
    const next = newest?.next?.change.kind ?? '';
    log.push(`${sim.net.nowMs.toFixed(0).padStart(7)}  epoch ${newest?.epoch} ${next}  ${text}`);
  };
  const first = sim.addFirst(random.pick([1, 2, 3, 3, 3, 5]));
  const isLarge = random.chance(LARGE_CHANCE);
  for (let left = random.below(isLarge ? LARGE_MAX : 5); left > 0; left -= 1) {
    sim.addJoining([first]);
  }
  sim.onEvicted = (node) => {
    note(`${short(node)} was evicted, joins anew`);
    sim.addJoining(sim.living().filter(({ machine }) => machine.isMember));
  };
  sim.isChaotic = true;
  const isFierce = random.chance(0.3);
  while (sim.net.nowMs < CHAOS_MS && sim.problems.length === 0) {
    note(random.pick(isFierce ? FIERCE : TROUBLES)(sim));
    const longMs = random.chance(0.2) ? 6 * STEP_MAX_MS : STEP_MAX_MS;
    sim.runFor(random.between(0, isFierce ? FIERCE_STEP_MAX_MS : longMs));
  }
  note('quiet');
  calm(sim);
  const isOne = sim.runUntil(() => isAllDone(sim) || sim.problems.length > 0, QUIET_MAX_MS);
  note(`${isOne ? 'one ring' : 'no ring'} of ${sim.newest?.members.length}`);
  if (!isOne) sim.problems.push(`seed ${seed}: no settled ring, ${stateOf(sim)}`);
  const { problems, viewCount } = sim;
  const { eventCount } = sim.net;
  return { seed, problems, views: viewCount, events: eventCount, hash: sim.net.traceHash(), log };
}

const TROUBLES: readonly Trouble[] = [
  join,
  join,
  leave,
  move,
  move,
  crash,
  crash,
  pause,
  kill,
  partition,
  oneWay,
  weather,
  heal,
  () => 'nothing',
];

/** Everybody wants something else, messages are late, processes crash amid their votes. */
const FIERCE: readonly Trouble[] = [join, move, move, move, blink, blink, blink, slow];

function join(sim: RingSim): string {
  const members = sim.membersNow();
  if (sim.living().length >= MEMBERS_MAX || members.length === 0) return 'nobody joins';
  const contacts = sim.net.random.chance(0.5) ? members : [sim.net.random.pick(members)];
  const wanted = sim.net.random.chance(0.3) ? { position: sim.position() } : {};
  return `${short(sim.addJoining(contacts, wanted))} joins`;
}

function leave(sim: RingSim): string {
  const staying = sim.membersNow().filter((node) => !sim.isLeaving(node));
  const node = pickUp(sim, staying);
  if (node === undefined || staying.length < 4) return 'nobody leaves';
  sim.leave(node);
  return `${short(node)} leaves`;
}

function move(sim: RingSim): string {
  const node = pickUp(sim, sim.membersNow());
  if (node === undefined) return 'nobody moves';
  node.do((nowMs) => node.machine.move(nowMs, sim.position()));
  return `${short(node)} moves`;
}

function crash(sim: RingSim): string {
  const node = pickUp(sim, sim.living());
  if (node === undefined) return 'nobody crashes';
  node.crash();
  const downMs = sim.net.random.between(0, sim.net.random.chance(0.2) ? 20_000 : 4000);
  sim.net.after(downMs, () => restart(sim, node));
  return `${short(node)} crashes for ${downMs.toFixed(0)} ms`;
}

/** Crashes for a moment only: old messages are still on their way. */
function blink(sim: RingSim): string {
  const node = pickUp(sim, sim.living());
  if (node === undefined) return 'nobody blinks';
  node.crash();
  sim.net.after(sim.net.random.between(0, 100), () => restart(sim, node));
  return `${short(node)} blinks`;
}

function slow(sim: RingSim): string {
  sim.net.setConditions({ duplicateChance: 0.3, delayMaxMs: sim.net.random.pick([20, 300, 1500]) });
  return 'slow';
}

function restart(sim: RingSim, node: RingNode): void {
  if (node.isKilled || node.isRetired || node.place.isRunning) return;
  node.start();
  // Its first view was not synced, so nobody has heard of it.
  if (node.machine.view === undefined && node === [...sim.nodes.values()][0]) sim.begin(node);
  const wasMember = node.machine.view !== undefined;
  // One that leaves asks again, as its command does; a newcomer begins anew.
  if (sim.isLeaving(node)) sim.leave(node);
  if (!wasMember || !node.machine.isMember) sim.join(node, sim.living());
}

function pause(sim: RingSim): string {
  const node = pickUp(sim, sim.living());
  if (node === undefined) return 'nobody pauses';
  sim.pause(node);
  const pausedMs = sim.net.random.between(0, sim.net.random.chance(0.2) ? 20_000 : 4000);
  sim.net.after(pausedMs, () => {
    if (node.place.isRunning && node.place.isPaused) sim.resume(node);
  });
  return `${short(node)} stands still for ${pausedMs.toFixed(0)} ms`;
}

/** One at a time, and not of a small ring: what no ring survives proves nothing. */
function kill(sim: RingSim): string {
  const members = sim.newest!.members;
  const killed = [...sim.nodes.values()].filter(
    (node) => node.isKilled && members.some(({ id }) => id === node.id),
  );
  const node = pickUp(sim, sim.membersNow());
  // With two replicas a member has one successor, and Zave asks that it lives.
  if (sim.newest!.replicas === 2) return 'nobody dies';
  const isSmall = members.length < 4 || (sim.newest!.next?.members.length ?? 9) < 4;
  if (killed.length > 0 || isSmall || node === undefined) return 'nobody dies';
  sim.kill(node);
  return `${short(node)} dies`;
}

function partition(sim: RingSim): string {
  const { random } = sim.net;
  const sides = new Map(sim.living().map((node) => [node, random.chance(0.5)]));
  for (const [one, side] of sides) {
    for (const [other, otherSide] of sides) if (side !== otherSide) sim.cut(one, other);
  }
  return `partition ${[...sides].map(([node, side]) => short(node) + (side ? '+' : '-')).join(' ')}`;
}

function oneWay(sim: RingSim): string {
  const [one, other] = [sim.net.random.pick(sim.living()), sim.net.random.pick(sim.living())];
  if (one === other) return 'no one-way cut';
  sim.cut(one, other);
  return `nothing from ${short(one)} to ${short(other)}`;
}

function weather(sim: RingSim): string {
  const lossChance = sim.net.random.pick([0, 0.1, 0.3]);
  const duplicateChance = sim.net.random.pick([0, 0.2]);
  const delayMaxMs = sim.net.random.pick([5, 50, 1500]);
  sim.net.setConditions({ lossChance, duplicateChance, delayMaxMs });
  return `weather ${lossChance} ${duplicateChance} ${delayMaxMs}`;
}

function heal(sim: RingSim): string {
  sim.heal();
  return 'heal';
}

function calm(sim: RingSim): void {
  sim.isChaotic = false;
  sim.heal();
  sim.net.setConditions({ lossChance: 0, duplicateChance: 0, delayMaxMs: 20 });
  // The address that a newcomer was told may be of nobody by now, its position taken.
  for (const node of sim.living()) if (!node.machine.isMember) sim.join(node, sim.living());
}

/** All that live are in one settled ring, the dead only where nobody may be evicted. */
function isAllDone(sim: RingSim): boolean {
  const living = sim.living();
  if (living.some((node) => !node.isUp || sim.isLeaving(node))) return false;
  if (sim.isSettled()) return true;
  const dead = [...sim.nodes.values()].filter(
    ({ id, isKilled, isRetired }) =>
      (isKilled || isRetired) && sim.newest!.members.some((member) => member.id === id),
  );
  const isSmall = sim.newest!.members.length <= Math.max(sim.newest!.replicas, 3);
  return isSmall && sim.isSettled(dead);
}

function pickUp(sim: RingSim, nodes: readonly RingNode[]): RingNode | undefined {
  const up = nodes.filter((node) => node.isUp);
  return up.length === 0 ? undefined : sim.net.random.pick(up);
}

function short(node: RingNode): string {
  return node.id.slice(0, 4);
}

function stateOf(sim: RingSim): string {
  return sim
    .living()
    .map((node) => {
      const { machine } = node;
      const next = machine.view?.next?.change.kind ?? '';
      return `${short(node)}: ${machine.view?.epoch} ${next} ${machine.isMember} ${node.isUp}`;
    })
    .join('; ');
}
