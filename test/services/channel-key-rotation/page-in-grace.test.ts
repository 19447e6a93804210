// What somebody has before him whose page is open while a rotation goes on to its grace: what it costs to show, and what he may decide by what he saw.
import { beforeAll, expect, test } from '@jest/globals';
import { foundRotation } from '../../../services/channel-key-rotation/rotation-rows.ts';
import { attendedRotation } from '../../../services/channel-key-rotation/rotation-view.ts';
import type { Queryable } from '../../../services/platform/postgres.ts';
import { openKeyDesk } from './key-desk.ts';

const DAY_MS = 86_400_000;

const desk = await openKeyDesk();
let rotationId: string;
let inCanary: Shown;
let inGrace: Shown;

interface Shown {
  readonly stage: string;
  readonly attempts: number | undefined;
  readonly choices: readonly string[];
  readonly isCounted: boolean;
}

beforeAll(async () => {
  const changed = await desk.newChannel();
  rotationId = await desk.start(changed);
  await desk.look(changed);
  inCanary = await shown();
  for (let stage = 0; stage < 3; stage += 1) {
    await desk.attempts(rotationId, 'new', 100);
    await desk.look(changed);
  }
  inGrace = await shown();
});

/** As the page has it, and whether attempts were counted for it. */
async function shown(): Promise<Shown> {
  const asked: string[] = [];
  const query = (sql: string, values: unknown[]) => {
    asked.push(sql);
    return desk.db.query(sql, values);
  };
  const db = { query } as Queryable;
  const { stage, attempts, choices } = await attendedRotation(db, await foundRotation(db, rotationId));
  return { stage, attempts: attempts?.fresh, choices, isCounted: asked.some((sql) => /from attempts\b/.test(sql)) };
}

test('attempts are counted for whoever looks while they are shown, and not through the day of grace', () => {
  expect(inCanary).toMatchObject({ stage: 'canary', attempts: 0, isCounted: true });
  expect(inGrace).toEqual({
    ...{ stage: 'grace', attempts: undefined, isCounted: false },
    choices: ['finish', 'extend', 'roll_back', 'emergency'],
  });
});

test('who decides by what he saw in one stage decides nothing of another', async () => {
  const [reason, until] = ['as I saw it', new Date(Date.now() + DAY_MS)];

  const confirming = desk.decides(rotationId, { kind: 'finish', reason, seenStage: 'verifying' });
  const extending = desk.decides(rotationId, { kind: 'extend', until, reason, seenStage: 'canary' });

  await expect(confirming).rejects.toMatchObject({ code: 'conflict' });
  await expect(extending).rejects.toMatchObject({ code: 'conflict' });
  expect((await desk.find(rotationId)).state.stage.kind).toBe('grace');
  await desk.decides(rotationId, { kind: 'finish', reason, seenStage: 'grace' });
  expect((await desk.find(rotationId)).state.stage.kind).toBe('draining');
});
