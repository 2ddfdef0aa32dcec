/**
 * What is wrong with a serialised value or file.
 *
 *   corrupt      no Redis has written this
 *   tooLong      a string is longer than allowed
 *   unsupported  well formed as far as can be told, but of a kind that cannot be taken
 *   outOfMemory  it would take more memory than there is
 */
export type RdbErrorCode = 'corrupt' | 'tooLong' | 'unsupported' | 'outOfMemory';

export class RdbError extends Error {
  readonly code: RdbErrorCode;

  constructor(code: RdbErrorCode, message: string) {
    super(message);
    this.name = 'RdbError';
    this.code = code;
  }
}

export function corrupt(message: string): RdbError {
  return new RdbError('corrupt', message);
}
