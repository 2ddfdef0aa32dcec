/**
 * News on their way: each update rides on so many messages of this member, those that have been
 * sent least first. A newer update about a member replaces the older one, so there is one for each
 * member at most.
 */
import type { Update } from './messages.js';

interface News {
  readonly update: Update;
  sentCount: number;
}

export class Gossip {
  readonly #news = new Map<string, News>();

  get size(): number {
    return this.#news.size;
  }

  add(update: Update): void {
    this.#news.set(update.id, { update, sentCount: 0 });
  }

  forget(id: string): void {
    this.#news.delete(id);
  }

  /** Up to `max` updates for the next message; each goes out `sentMax` times. */
  take(max: number, sentMax: number): Update[] {
    if (this.#news.size === 0) return [];
    const all = [...this.#news.values()].sort((a, b) => a.sentCount - b.sentCount);
    const taken = all.slice(0, max);
    for (const news of taken) {
      news.sentCount += 1;
      if (news.sentCount >= sentMax) this.#news.delete(news.update.id);
    }
    return taken.map(({ update }) => update);
  }
}
