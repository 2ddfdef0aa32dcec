/**
 * Runs inside of a server (`node --import`): how late its event loop was. On SIGUSR2 it prints what
 * it has seen since the last time, on a line of its own, and begins anew:
 *
 *   loop-probe {"turns":1234,"overTen":0,"p99Ms":1.2,"maxMs":4.5,"busyMs":3.2}
 *
 * The figures are those of timers of 1 ms, so that an idle loop shows a bit above 1 ms. `busyMs` is
 * the longest time between two of them in which the loop's thread was at work: on a shared machine
 * the others can be time in which it had no core. Node 20 tells it of all threads together.
 */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { cpuUsage } from './cpu-usage.js';

const HELD_NS = 10e6;

const delays = monitorEventLoopDelay({ resolution: 1 });

let busyMs = 0;
let lastMs = performance.now();
let lastCpu = cpuUsage();

setInterval(() => {
  const nowMs = performance.now();
  const { system, user } = cpuUsage(lastCpu);
  busyMs = Math.max(busyMs, Math.min(nowMs - lastMs, (user + system) / 1000));
  lastMs = nowMs;
  lastCpu = cpuUsage();
}, 1).unref();

process.on('SIGUSR2', () => {
  let share = 100;
  for (const [percentile, ns] of delays.percentiles) {
    if (ns <= HELD_NS) share = 100 - percentile;
  }
  const figures = {
    turns: delays.count,
    overTen: delays.max <= HELD_NS ? 0 : Math.max(1, Math.round((delays.count * share) / 100)),
    p99Ms: delays.percentile(99) / 1e6,
    maxMs: delays.max / 1e6,
    busyMs,
  };
  delays.reset();
  busyMs = 0;
  process.stdout.write(`loop-probe ${JSON.stringify(figures)}\n`);
});

delays.enable();
