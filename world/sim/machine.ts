/**
 * What the parts of a simulated host share. A machine may be up without a process (the process
 * crashed: its kernel still answers) or down (power cut: nothing answers).
 */

import { Owner } from './scheduler.js';

export class Machine {
  readonly name: string;
  /** Made up, unique, in 10.0.0.0/8. */
  readonly ip: string;
  isUp = true;
  /** Counts power cuts: a connection made before one is unknown after it. */
  boot = 0;
  /** The process that runs here; a dead one if none does. */
  process = new Owner();

  constructor(name: string, index: number) {
    this.name = name;
    this.ip = `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${(index & 255) + 1}`;
  }
}
