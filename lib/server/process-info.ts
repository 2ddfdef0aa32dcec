/** What a node tells of the process that it runs in; `cmd` fills it, since the core asks no system. */
export interface ProcessInfo {
  readonly pid: number;
  /** Absolute path of the program. */
  readonly executable: string;
  readonly configFile: string;
  /** `Linux 6.1.0 x86_64`. */
  readonly os: string;
  readonly nodeVersion: string;
  readonly archBits: number;
  /** Resident memory, bytes. */
  residentBytes(): number;
  heapBytes(): number;
  /** Total memory of the machine, bytes. */
  readonly systemMemoryBytes: number;
  /** CPU time used by the process, seconds. */
  cpuSeconds(): { user: number; system: number };
  /** Ends the process in an orderly way (SHUTDOWN). */
  shutdown(): void;
  /** Reads and writes the configuration file (CONFIG REWRITE); undefined = none was given. */
  readonly config: { read(): Promise<string>; write(text: string): Promise<void> } | undefined;
}
