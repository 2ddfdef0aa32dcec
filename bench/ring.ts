/**
 * Rings of real processes on this machine: speed beside a Redis Cluster, and how they join, balance, fail, heal and idle.
 *
 * Each part is a file of ring-parts/. All of them take about half an hour; `--only PART` runs one:
 *
 *   speed     3 nodes beside a Redis Cluster of 3 masters and 3 replicas; what a hop costs
 *   join      a fourth node, with a million entries and under load
 *   balance   cities and sequential keys on 3, 5 and 10 nodes
 *   kill      kill -9 of an owner, until its keys can be written again
 *   heal      a partition with changes on both sides, until all replicas are equal
 *   idle      ten nodes that do nothing
 *   sizes     1 to 20 nodes: throughput, memory, time to join
 */
import { balance } from './ring-parts/balance.js';
import { heal } from './ring-parts/heal.js';
import { idle } from './ring-parts/idle.js';
import { join } from './ring-parts/join.js';
import { kill } from './ring-parts/kill.js';
import { sizes } from './ring-parts/sizes.js';
import { speed } from './ring-parts/speed.js';
import { type BenchOptions, runParts } from './support/harness.js';

export async function run(options: BenchOptions): Promise<void> {
  await runParts('ring', { speed, join, balance, kill, heal, idle, sizes }, options);
}
