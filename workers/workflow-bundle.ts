// All workflows as one piece of code for the sandbox. Production makes it once (scripts/bundle-workflows.ts) and starts with the
// file, so that every worker of a release runs the same; elsewhere it is made at the start, in two seconds.
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type Logger } from '@temporalio/worker';

export const FAILURE_CONVERTER = fileURLToPath(new URL('../workflows/failure-converter.ts', import.meta.url));
const WORKFLOWS = fileURLToPath(new URL('../workflows/registered.ts', import.meta.url));

export async function bundleWorkflows(logger?: Logger, workflowsPath = WORKFLOWS): Promise<{ readonly code: string }> {
  return await bundleWorkflowCode({
    workflowsPath,
    failureConverterPath: FAILURE_CONVERTER,
    ...(logger === undefined ? {} : { logger }),
  });
}
