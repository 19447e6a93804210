// What the UI shows of a workflow.
import type { WorkflowHandle } from '@temporalio/client';

export async function detailsOf(handle: WorkflowHandle): Promise<string> {
  const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
  return currentDetails;
}
