/** Typed events with listeners, as far as a node and a client of the library need them. */

/** Stops listening. */
export type Unsubscribe = () => void;

export class Events<All extends object> {
  readonly #listeners = new Map<keyof All, Set<(event: never) => void>>();

  on<Name extends keyof All>(name: Name, listener: (event: All[Name]) => void): Unsubscribe {
    const listeners = this.#listeners.get(name) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(name, listeners);
    return () => listeners.delete(listener);
  }

  has(name: keyof All): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0;
  }

  emit<Name extends keyof All>(name: Name, event: All[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      (listener as (event: All[Name]) => void)(event);
    }
  }
}
