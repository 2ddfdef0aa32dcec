/**
 * Asks a random member now and then what time it is there, and says loudly when this node's wall
 * clock is beyond the bound, or is back.
 */
import type { PeerError } from '../../discord/peer/peer-error.js';
import type { Done, PeerRequest } from '../../discord/peer/pipeline.js';
import { Timer } from '../../timenet/timer.js';
import type { Timer as Alarm, World } from '../../world/world.js';
import type { Log } from '../server/log.js';

/** One sample each, on average, ms. */
const SAMPLE_MS = 1000;
const ANSWER_MAX_MS = 2000;

export type Ask = (
  memberId: string,
  words: readonly string[],
  timeoutMs: number,
  done: Done,
) => PeerRequest | PeerError;

export class AgreedTime {
  readonly timer: Timer;
  readonly #world: World;
  readonly #log: Log;
  readonly #ask: Ask;
  #others: readonly string[] = [];
  #alarm: Alarm | undefined;
  #wasSkewed = false;

  constructor(
    { world, log, ask }: { world: World; log: Log; ask: Ask },
    options: { readonly clockSkewMaxMs: number },
  ) {
    this.#world = world;
    this.#log = log;
    this.#ask = ask;
    this.timer = new Timer(world, options);
  }

  /** As of the last sample. */
  get isSkewed(): boolean {
    return this.#wasSkewed;
  }

  setOthers(ids: readonly string[]): void {
    this.#others = ids;
    this.timer.keepPeers(ids);
    if (ids.length === 0) this.stop();
    else if (this.#alarm === undefined) this.#plan();
  }

  stop(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
  }

  /** The reply to TIME. */
  words(): [agreedMs: string, wallMs: string] {
    return [String(this.timer.nowMs()), String(this.#world.clock.wallMs())];
  }

  #plan(): void {
    const delayMs = SAMPLE_MS * (0.5 + this.#world.random.float());
    const sample = (): void => {
      this.#plan();
      this.#sample();
    };
    this.#alarm = this.#world.timers.after(delayMs, sample, true);
  }

  #sample(): void {
    const id = this.timer.pickPeer(this.#others);
    if (id === undefined) return;
    const { clock } = this.#world;
    const sentMs = clock.monotonicMs();
    this.#ask(id, ['TIME'], ANSWER_MAX_MS, (error, reply) => {
      if (error !== null || !Array.isArray(reply)) return;
      const [peerNowMs, peerWallMs] = reply.map(Number);
      if (peerNowMs === undefined || peerWallMs === undefined) return;
      const receivedMs = clock.monotonicMs();
      this.timer.sample(id, { sentMs, receivedMs, peerNowMs, peerWallMs });
      this.#judge();
    });
  }

  #judge(): void {
    const { isSkewed, skewMs } = this.timer.status();
    if (isSkewed === this.#wasSkewed) return;
    this.#wasSkewed = isSkewed;
    const details = { skewMs: Math.round(skewMs) };
    if (isSkewed) {
      this.#log.error(
        details,
        'the clock of this machine is wrong: too far from those of the other members; set it right',
      );
    } else {
      this.#log.warn(details, 'the clock of this machine agrees with the others again');
    }
  }
}
