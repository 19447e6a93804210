// A sign of life while an activity waits for somebody else: the worker that dies with it is noticed by its silence, and the work is taken up
// elsewhere long before its whole time has run out.
import { activityInfo, heartbeat } from '@temporalio/activity';

/** What is done sooner sends none. */
const HEARTBEAT_EVERY_MS = 5_000;

/** How far it is nobody knows: it lives as long as we wait for it. */
export async function beating<T>(work: () => Promise<T>): Promise<T> {
  const { attempt } = activityInfo();
  const timer = setInterval(() => heartbeat({ attempt }), HEARTBEAT_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
