/**
 * What a step of the machine wants done, in this order: the record is put on stable storage if there
 * is one, then the messages leave, then events are told. Whoever drives the machine keeps the order
 * of steps, too. A message to the member itself comes back to it like any other.
 */
import type { View } from '../ring/view.js';
import type { ViewMessage } from './messages.js';

/** Somebody to send to; one without an id is known by its address only. */
export interface Contact {
  readonly id?: string;
  readonly address: string;
}

export interface ViewOutgoing {
  readonly to: Contact;
  readonly message: ViewMessage;
}

export type ViewEvent =
  /** Another view holds now. */
  | { readonly kind: 'view'; readonly view: View }
  /** The view that holds now has this member no more, and a majority of it knows: it may go. */
  | { readonly kind: 'removed' }
  /** What was asked for cannot be. */
  | { readonly kind: 'refused'; readonly text: string }
  /** This member asked to leave, and stays. */
  | { readonly kind: 'stays'; readonly text: string };

export interface ViewOutput {
  /** To be synced before the messages leave; null: nothing has changed. */
  readonly record: Buffer | null;
  readonly messages: readonly ViewOutgoing[];
  readonly events: readonly ViewEvent[];
}

export class Outbox {
  isRecordChanged = false;
  messages: ViewOutgoing[] = [];
  events: ViewEvent[] = [];

  get isEmpty(): boolean {
    return !this.isRecordChanged && this.messages.length === 0 && this.events.length === 0;
  }

  send(to: Contact, message: ViewMessage): void {
    this.messages.push({ to, message });
  }

  tell(event: ViewEvent): void {
    this.events.push(event);
  }

  take(encode: () => Buffer): ViewOutput {
    const record = this.isRecordChanged ? encode() : null;
    const { messages, events } = this;
    this.isRecordChanged = false;
    this.messages = [];
    this.events = [];
    return { record, messages, events };
  }
}
