/** One line that says how far something is, drawn over and over, a few times a second. */
const EVERY_MS = 200;

export class ProgressLine {
  readonly #shows: boolean;
  readonly #totalBytes: number;
  readonly #write: (text: string) => void;
  #shownAt = -EVERY_MS;

  constructor(shows: boolean, totalBytes: number, write: (text: string) => void) {
    this.#shows = shows;
    this.#totalBytes = totalBytes;
    this.#write = write;
  }

  show(what: string, doneBytes: number, keys: number): void {
    const now = performance.now();
    if (!this.#shows || now - this.#shownAt < EVERY_MS) return;
    this.#shownAt = now;
    const percent = Math.floor((doneBytes / Math.max(1, this.#totalBytes)) * 100);
    const counted = keys === 0 ? '' : `, ${keys.toLocaleString('en-US')} keys`;
    this.#write(`\r\x1b[K${what} ${percent} %${counted}`);
  }

  clear(): void {
    if (this.#shows) this.#write('\r\x1b[K');
  }
}
