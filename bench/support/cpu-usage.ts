/** CPU time, as `process.cpuUsage`: of the loop's thread, since Node 23.9; before, of all threads together. */
const { threadCpuUsage } = process as { threadCpuUsage?: typeof process.cpuUsage };

export const cpuUsage = threadCpuUsage ?? process.cpuUsage;
