/** Consistency levels: how many replicas have a write before its reply leaves, or answer a read. */

export const LEVEL_ONE = 0;
export const LEVEL_QUORUM = 1;
export const LEVEL_ALL = 2;

export const LEVEL_NAMES = ['one', 'quorum', 'all'] as const;

export type ConsistencyLevel = (typeof LEVEL_NAMES)[number];

/** In any case. A text: why it is none. */
export function levelOf(name: string): number | string {
  const level = LEVEL_NAMES.indexOf(name.toLowerCase() as ConsistencyLevel);
  if (level >= 0) return level;
  if (name.toLowerCase() === 'two') {
    return "ERR level 'two' is not built yet, not applied; one, quorum and all are";
  }
  return `ERR '${name}' is no consistency level, not applied; one, quorum and all are`;
}

export function levelName(level: number): string {
  return LEVEL_NAMES[level]!;
}

/** How many of so many replicas a level asks for. */
export function neededOf(level: number, replicas: number): number {
  if (level === LEVEL_ALL) return replicas;
  return level === LEVEL_QUORUM ? Math.floor(replicas / 2) + 1 : Math.min(1, replicas);
}
