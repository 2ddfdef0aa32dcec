/**
 * What a member must not forget: the view it knows, and what it has promised and accepted for the
 * epoch that follows; that is, an acceptor of single-decree Paxos (Lamport 2001), one for each
 * epoch, of which only the current one is kept.
 *
 *   record   u8 layout, 1 | ballot promised | ballot accepted | varint round used
 *            | blob forced from, 16 B or empty | blob view | blob view accepted, or empty
 *   ballot   varint round | 20 B id                     round 0: none, id of zeros
 *
 * Invariants: `promised` never falls within an epoch; nothing is answered before the record that it
 * rests on is on stable storage; a round that was used is not used again, even after a crash.
 */
import { BinaryReader, ByteWriter } from '../../resp/binary.js';
import { CLUSTER_ID_DIGITS, MEMBER_ID_DIGITS, type View } from '../ring/view.js';
import { decodeView, encodeView } from '../ring/view-codec.js';
import { RingError } from '../ring-error.js';
import { BALLOT_NONE, type Ballot, compareBallots } from './ballot.js';

export interface Accepted {
  readonly ballot: Ballot;
  readonly view: View;
}

const LAYOUT = 1;
/** As many as a view may have. */
const VIEW_BYTES_MAX = 2 ** 31;

export class Votes {
  view: View | undefined;
  promised: Ballot = BALLOT_NONE;
  accepted: Accepted | undefined;
  /** The last round that this member led. */
  roundUsed = 0;
  /** The ring that this one was forced out of. */
  forcedFrom: string | undefined;

  /** The epoch that is voted on. */
  get epoch(): number {
    return (this.view?.epoch ?? 0) + 1;
  }

  /** Takes a later view: what was voted before is decided. */
  learn(view: View): void {
    this.view = view;
    this.promised = BALLOT_NONE;
    this.accepted = undefined;
  }

  /** Whether the ballot is promised now. */
  promise(ballot: Ballot): boolean {
    if (compareBallots(ballot, this.promised) < 0) return false;
    this.promised = ballot;
    return true;
  }

  /** Whether the view is accepted under this ballot now. */
  accept(ballot: Ballot, view: View): boolean {
    if (!this.promise(ballot)) return false;
    this.accepted = { ballot, view };
    return true;
  }

  encode(): Buffer {
    const writer = new ByteWriter();
    writer.u8(LAYOUT);
    writeBallot(writer, this.promised);
    writeBallot(writer, this.accepted?.ballot ?? BALLOT_NONE);
    writer.varint(this.roundUsed);
    writer.blob(Buffer.from(this.forcedFrom ?? '', 'hex'));
    writer.blob(this.view === undefined ? Buffer.alloc(0) : encodeView(this.view));
    writer.blob(this.accepted === undefined ? Buffer.alloc(0) : encodeView(this.accepted.view));
    return Buffer.from(writer.view());
  }

  /** Throws RING_BAD_VIEW. */
  static decode(bytes: Uint8Array): Votes {
    const reader = new VotesReader(Buffer.from(bytes));
    if (reader.u8() !== LAYOUT) throw new RingError('RING_BAD_VIEW', 'an unknown layout');
    const votes = new Votes();
    votes.promised = readBallot(reader);
    const ballot = readBallot(reader);
    votes.roundUsed = reader.varint();
    const forcedFrom = reader.blob(CLUSTER_ID_DIGITS / 2).toString('hex');
    if (forcedFrom !== '') votes.forcedFrom = forcedFrom;
    const view = reader.blob(VIEW_BYTES_MAX);
    const accepted = reader.blob(VIEW_BYTES_MAX);
    reader.end();
    if (view.length > 0) votes.view = decodeView(view);
    if (accepted.length > 0) votes.accepted = { ballot, view: decodeView(accepted) };
    return votes;
  }
}

class VotesReader extends BinaryReader {
  protected override fail(what: string): never {
    throw new RingError('RING_BAD_VIEW', what);
  }
}

function writeBallot(writer: ByteWriter, { round, id }: Ballot): void {
  writer.varint(round);
  writer.bytes(Buffer.from(id.padEnd(MEMBER_ID_DIGITS, '0'), 'hex'));
}

function readBallot(reader: VotesReader): Ballot {
  const round = reader.varint();
  const id = reader.bytes(MEMBER_ID_DIGITS / 2).toString('hex');
  return round === 0 ? BALLOT_NONE : { round, id };
}
