/**
 * Where the memory of a node is: INFO memory and MEMORY STATS tell of it in Redis's words.
 *
 *   resident = what the system has given to the process
 *     used     = dataset + heap
 *       dataset  = records of entries in use in the arenas, exact
 *       heap     = JavaScript objects: clients, scripts of V8, everything else
 *     reserved = arenas got from the system, in use or not
 */
import type { Server } from './server.js';

export interface MemoryReport {
  readonly usedBytes: number;
  readonly peakBytes: number;
  /** Used when the node had started, no entry and no client yet. */
  readonly startupBytes: number;
  readonly datasetBytes: number;
  readonly heapBytes: number;
  readonly residentBytes: number;
  readonly reservedBytes: number;
  readonly fragmentedBytes: number;
  /** Requests and replies that are held for clients. */
  readonly clientBytes: number;
}

export function memoryReport(server: Server): MemoryReport {
  const usedBytes = server.sampleMemory();
  const space = server.store.space.memoryUsage();
  let clientBytes = 0;
  for (const { carrier, reply, transaction } of server.sessions.values()) {
    clientBytes += carrier.queryBytes + reply.heldBytes + (transaction?.bytes ?? 0);
  }
  return {
    usedBytes,
    peakBytes: server.memoryPeakBytes,
    startupBytes: server.startHeapBytes,
    datasetBytes: space.usedBytes,
    heapBytes: Math.max(0, usedBytes - space.usedBytes),
    residentBytes: server.processInfo.residentBytes(),
    reservedBytes: space.reservedBytes,
    fragmentedBytes: space.fragmentedBytes,
    clientBytes,
  };
}
