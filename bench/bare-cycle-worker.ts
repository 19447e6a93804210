// A worker with the defaults of the SDK, without codec, metrics or database. It says on a port how many cycles it has seen end.
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { activityInfo } from '@temporalio/activity';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { BARE_QUEUE, type BareActivities } from './bare-cycle.ts';

const { TEMPORAL_ADDRESS = '', TEMPORAL_NAMESPACE = '', PORT = '' } = process.env;
Runtime.install({ logger: new DefaultLogger('WARN') });

let cyclesDone = 0;
/** Runs that have done one of their two activities. A cycle counts as a renewal does: when it is done, and all of it. */
const halfDone = new Set<string>();
const activities: BareActivities = {
  async nothing() {
    const runId = activityInfo().workflowExecution?.runId ?? '';
    if (halfDone.delete(runId)) cyclesDone += 1;
    else halfDone.add(runId);
  },
};
const connection = await NativeConnection.connect({ address: TEMPORAL_ADDRESS });
const worker = await Worker.create({
  connection,
  namespace: TEMPORAL_NAMESPACE,
  taskQueue: BARE_QUEUE,
  workflowsPath: fileURLToPath(new URL('bare-cycle.ts', import.meta.url)),
  activities,
});
const server = createServer((_req, res) => res.end(String(cyclesDone)));
server.listen(Number(PORT), '127.0.0.1');
await worker.run();
server.close();
await connection.close();
