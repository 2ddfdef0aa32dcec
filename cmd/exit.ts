/** Exit codes of all commands: 0 good, 1 not good, 2 unreachable or wrong usage. */

export const EXIT_GOOD = 0;
export const EXIT_NOT_GOOD = 1;
export const EXIT_USAGE = 2;

/** Ends the command with a message for people; its stack is of no use to them. */
export class ExitError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT_NOT_GOOD) {
    super(message);
    this.name = 'ExitError';
    this.exitCode = exitCode;
  }
}

export function usageError(message: string): ExitError {
  return new ExitError(message, EXIT_USAGE);
}

/** Node's error code (ECONNREFUSED, ENOENT, ...), if it is an error of the system. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
