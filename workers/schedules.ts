// What begins by the clock. Every start of a worker says it again, so a schedule is as the code has it, however many workers start
// and how often; only whether a person has paused it is not ours to say.
import { BACKUP_TICK, type BackupTickInput } from '../workflows/contracts/backup.ts';
import {
  CHANNEL_KEY_ROTATION_TICK,
  type ChannelKeyRotationTickInput,
} from '../workflows/contracts/channel-key-rotation.ts';
import { RECONCILIATION_TICK, type ReconciliationTickInput } from '../workflows/contracts/reconciliation.ts';
import { CORE_QUEUE } from '../workflows/contracts/task-queues.ts';
import type { ScheduleClient } from './temporal.ts';

type NewSchedule = Parameters<ScheduleClient['create']>[0];

const input: ReconciliationTickInput & ChannelKeyRotationTickInput & BackupTickInput = { v: 1 };

/** Each is named after what it starts, and starts a tick: the tick starts what is due under its fixed id. */
const SCHEDULES = [
  // Once it makes the night's case, the other times it finds what was terminated or never started (D47).
  everyHour(20, 'reconciliation', {
    workflowType: RECONCILIATION_TICK,
    staticSummary: 'Starts the proofs of the ledger that are due, and those that were interrupted',
  }),
  everyHour(40, 'channel-key-rotation', {
    workflowType: CHANNEL_KEY_ROTATION_TICK,
    staticSummary: 'Starts the change of keys of channels that are older than they may be',
  }),
  // At ten past two it makes the night's, the other times it finds what was terminated or never started.
  everyHour(10, 'backup', {
    workflowType: BACKUP_TICK,
    staticSummary: 'Starts the backups and drills that are due, and those that were interrupted',
  }),
];

function everyHour(
  minute: number,
  scheduleId: string,
  tick: { readonly workflowType: string; readonly staticSummary: string },
) {
  return {
    scheduleId,
    spec: { calendars: [{ hour: '*', minute, second: 0 }], jitter: '2 minutes' },
    action: {
      type: 'startWorkflow',
      workflowId: `tick:${scheduleId}`,
      args: [input],
      taskQueue: CORE_QUEUE,
      ...tick,
    },
    // A tick that was missed is made up for by the next one.
    policies: { overlap: 'SKIP', catchupWindow: '10 minutes', pauseOnFailure: false },
  } as const satisfies NewSchedule;
}

export async function declareSchedules(schedules: ScheduleClient): Promise<void> {
  for (const schedule of SCHEDULES) {
    try {
      await schedules.create(schedule);
    } catch (error) {
      // By its name: the class is @temporalio/client's, which is opened in temporal.ts only.
      if (!(error instanceof Error) || error.name !== 'ScheduleAlreadyRunning') throw error;
      const { spec, action, policies } = schedule;
      await schedules.getHandle(schedule.scheduleId).update(({ state }) => ({ spec, action, policies, state }));
    }
  }
}
