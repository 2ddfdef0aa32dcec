/**
 * Delta debugging (Zeller and Hildebrandt 2002): takes away parts of a program as long as what is
 * left still shows a difference, first halves, then ever smaller parts, until no single step can go.
 */
import type { Program, Step } from './program.js';

/** Enough for any program of a few hundred steps; a bound because servers may misbehave. */
const runsMax = 600;

export async function minimise(
  program: Program,
  differs: (program: Program) => Promise<boolean>,
): Promise<Program> {
  let steps: readonly (readonly Step[])[] = grouped(program.steps);
  let partSteps = Math.ceil(steps.length / 2);
  let runs = 0;
  while (partSteps >= 1 && runs < runsMax) {
    let removed = false;
    for (let from = 0; from < steps.length && runs < runsMax; ) {
      const left = [...steps.slice(0, from), ...steps.slice(from + partSteps)];
      runs++;
      if (left.length > 0 && (await differs({ ...program, steps: left.flat() }))) {
        steps = left;
        removed = true;
      } else {
        from += partSteps;
      }
    }
    if (!removed || partSteps > steps.length) {
      if (partSteps === 1) break;
      partSteps = Math.ceil(Math.min(partSteps, steps.length) / 2);
    }
  }
  return { ...program, steps: steps.flat() };
}

/** What can only go together. */
function grouped(steps: readonly Step[]): Step[][] {
  const groups: Step[][] = [];
  for (const step of steps) {
    const last = groups.at(-1);
    if (step.group !== undefined && last?.[0]?.group === step.group) last.push(step);
    else groups.push([step]);
  }
  return groups;
}
