/**
 * A member that is looked up in operands one after the other, in as many of them at a time as the piece at
 * hand has looks left.
 */

/** Whether the member stays in the result, as far as this operand goes. */
export type Keeps = (operand: number, member: Buffer, bytes: number) => boolean;

export class MemberProbe {
  /** Looks that the piece at hand may still take. */
  left = 0;
  /** The member was looked up in some of the operands, and not in all. */
  isUnderWay = false;
  /** It is member[0, bytes). */
  member!: Buffer;
  bytes = 0;
  #isCopy = false;
  /** In how many operands it was looked up. */
  #at = 0;
  readonly #keeps: Keeps;

  constructor(keeps: Keeps) {
    this.#keeps = keeps;
  }

  /** Another member; it may be in a buffer that others use between two pieces. */
  begin(member: Buffer, bytes: number): void {
    this.isUnderWay = true;
    this.member = member;
    this.bytes = bytes;
    this.#isCopy = false;
    this.#at = 0;
  }

  /** `more`: the piece has no looks left. */
  goOn(operands: readonly number[]): 'dropped' | 'kept' | 'more' {
    const end = Math.min(operands.length, this.#at + this.left);
    this.left -= end - this.#at;
    for (; this.#at < end; this.#at += 1) {
      if (this.#keeps(operands[this.#at]!, this.member, this.bytes)) continue;
      this.isUnderWay = false;
      return 'dropped';
    }
    if (end < operands.length) {
      if (!this.#isCopy) this.member = Buffer.from(this.member.subarray(0, this.bytes));
      this.#isCopy = true;
      return 'more';
    }
    this.isUnderWay = false;
    return 'kept';
  }
}
