/** Classes of clients in CLIENT LIST and CLIENT KILL. Every client of today is `normal`. */

/** The class of that name, `slave` being `replica`; undefined = there is none. */
export function clientClass(name: string): string | undefined {
  const lower = name.toLowerCase();
  if (lower === 'slave') return 'replica';
  return ['normal', 'replica', 'pubsub', 'master'].includes(lower) ? lower : undefined;
}
