// Starting a case under its fixed id from a tick that comes again and again: one that runs is left alone.
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy } from '@temporalio/workflow';

/** The row says whether there is anything left to do: a run that ended early is no reason to leave it undone. */
export const ONE_AT_A_TIME = {
  workflowIdReusePolicy: 'ALLOW_DUPLICATE',
  parentClosePolicy: ParentClosePolicy.ABANDON,
} as const;

export async function unlessItRuns(start: () => Promise<unknown>): Promise<void> {
  try {
    await start();
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
