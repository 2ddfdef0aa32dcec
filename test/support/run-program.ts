/** Programs that end by themselves, or that a test ends once they have printed enough. */
import { spawn } from 'node:child_process';

export interface RunOptions {
  /** What it reads from its standard input. Default: nothing. */
  readonly input?: Buffer | string;
  /** Ends it, as Ctrl-C would, as soon as this says yes to what it has printed so far. */
  readonly enough?: (output: string) => boolean;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Both streams. */
  readonly output: string;
}

const runMsMax = 20_000;

export function runProgram(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ended> {
  const child = spawn(program, args);
  const timer = setTimeout(() => child.kill('SIGKILL'), runMsMax);
  let output = '';
  return new Promise((resolve, reject) => {
    const keep = (chunk: Buffer): void => {
      output += chunk.toString('latin1');
      if (options.enough?.(output) === true) child.kill('SIGINT');
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    // A program that ends before it has read all that it was given is not in error.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, output });
    });
  });
}
