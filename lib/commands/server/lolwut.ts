/**
 * LOLWUT [VERSION n] [members]: a ring and the chords that join each member to those 1, 2, 4, ...
 * places on, drawn in braille characters.
 *
 *   a braille character is two dots wide and four high:   1 4     bit of (x, y) = DOTS[y][x]
 *                                                         2 5
 *                                                         3 6
 *                                                         7 8
 */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { DHASH_VERSION, REDIS_VERSION } from '../../version.js';
import { type CommandRow, FAST, READONLY } from '../command.js';
import { NOT_INTEGER } from '../replies.js';

const DOTS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;
const BLANK = 0x2800;
/** Characters; the canvas is twice as many dots wide and four times as many high. */
const COLUMNS = 60;
const ROWS = 30;
const WIDTH = COLUMNS * 2;
const HEIGHT = ROWS * 4;
const RADIUS = Math.min(WIDTH, HEIGHT) / 2 - 2;

const MEMBERS_MIN = 1;
const MEMBERS_DEFAULT = 13;
const MEMBERS_MAX = 64;

class Canvas {
  readonly #cells = new Uint8Array(COLUMNS * ROWS);

  dot(x: number, y: number): void {
    const column = Math.round(x);
    const row = Math.round(y);
    if (column < 0 || column >= WIDTH || row < 0 || row >= HEIGHT) return;
    this.#cells[(row >> 2) * COLUMNS + (column >> 1)]! |= DOTS[row & 3]![column & 1]!;
  }

  line(fromX: number, fromY: number, toX: number, toY: number): void {
    const steps = Math.ceil(Math.max(Math.abs(toX - fromX), Math.abs(toY - fromY), 1));
    for (let step = 0; step <= steps; step += 1) {
      const part = step / steps;
      this.dot(fromX + (toX - fromX) * part, fromY + (toY - fromY) * part);
    }
  }

  text(): string {
    let text = '';
    for (let row = 0; row < ROWS; row += 1) {
      for (let column = 0; column < COLUMNS; column += 1) {
        text += String.fromCharCode(BLANK + this.#cells[row * COLUMNS + column]!);
      }
      text += '\n';
    }
    return text;
  }
}

/** A ring of so many members, turned by `turn` (0 to 1). */
export function drawRing(members: number, turn: number): string {
  const canvas = new Canvas();
  const place = (part: number) => {
    const angle = 2 * Math.PI * (part + turn);
    return [WIDTH / 2 + RADIUS * Math.sin(angle), HEIGHT / 2 - RADIUS * Math.cos(angle)] as const;
  };
  for (let step = 0; step < 720; step += 1) canvas.dot(...place(step / 720));
  for (let member = 0; member < members; member += 1) {
    for (let ahead = 1; ahead < members; ahead *= 2) {
      canvas.line(...place(member / members), ...place((member + ahead) / members));
    }
    const [x, y] = place(member / members);
    for (let dy = -1; dy <= 1; dy += 1)
      for (let dx = -1; dx <= 1; dx += 1) canvas.dot(x + dx, y + dy);
  }
  return canvas.text();
}

function lolwut(session: Session, args: Args, reply: ReplyWriter): void {
  // Every version draws the same: there is one piece in the gallery.
  const hasVersion = args.count >= 3 && args.equalsIgnoreCase(1, 'VERSION');
  const at = hasVersion ? 3 : 1;
  for (let i = hasVersion ? 2 : 1; i < args.count; i += 1) {
    if (!Number.isNaN(args.int64(i))) continue;
    reply.error(NOT_INTEGER);
    return;
  }
  const asked = args.count > at ? args.int64(at) : MEMBERS_DEFAULT;
  const members = Math.max(MEMBERS_MIN, Math.min(MEMBERS_MAX, asked));
  const drawing = drawRing(members, session.server.store.world.random.float());
  const caption = `A ring of ${members}, each member joined to those 1, 2, 4, ... places on.`;
  const versions = `dhash ver. ${DHASH_VERSION} (Redis ver. ${REDIS_VERSION})`;
  reply.verbatim('txt', `${drawing}\n${caption}\n${versions}\n`);
}

export const lolwutCommands: readonly CommandRow[] = [
  { name: 'lolwut', arity: -1, flags: READONLY | FAST, handler: lolwut },
];
