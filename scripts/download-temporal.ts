// Has Temporal's SDK download one of its server programs, start it once and stop it: `<program> <version> <folder>`.
// A process of its own, because the SDK's native runtime is set up once in a process, by whoever works with Temporal there, and
// because a download must be able to end with the start that wanted it.
import { TestWorkflowEnvironment } from '@temporalio/testing';

const [program, version, downloadDir] = process.argv.slice(2);
if (program === undefined || version === undefined || downloadDir === undefined) {
  throw new Error('say which program, which version and into which folder');
}
const server = { executable: { type: 'cached-download', version, downloadDir } as const };
try {
  const started =
    program === 'temporal'
      ? await TestWorkflowEnvironment.createLocal({ server })
      : await TestWorkflowEnvironment.createTimeSkipping({ server });
  await started.teardown();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
process.exit();
