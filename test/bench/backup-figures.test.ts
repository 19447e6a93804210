// The bars of the bench of backups: the job that customers feel most is the one that counts, and what misses its bar by little misses it.
import { expect, test } from '@jest/globals';
import { type BackupFigures, backupLines, type Latencies } from '../../bench/backups/backup-figures.ts';
import { printed } from '../../bench/table.ts';

const latencies = (changed: Partial<Latencies> = {}): Latencies => ({
  p50Ms: 3,
  p99Ms: 8,
  requests: 3_000,
  errors: 0,
  ...changed,
});
const figures: BackupFigures = {
  box: {},
  dumpSeconds: 300,
  restoreAndVerifySeconds: 900,
  peakRssMb: 256,
  workerRssMb: 240,
  resealPerSecond: 2_000,
  before: latencies(),
  meanwhile: { dump: latencies(), restoreAndVerify: latencies({ p50Ms: 4.5, p99Ms: 40 }), reseal: latencies() },
};

function missed(changed: Partial<BackupFigures>): string[] {
  return backupLines({ ...figures, ...changed })
    .filter(({ bar }) => bar?.met === false)
    .map(({ name }) => name);
}

test('what reaches every bar exactly is met', () => {
  expect(missed({})).toEqual([]);
});

test('each bar is missed by the last digit, and printed as missed', () => {
  const { meanwhile } = figures;

  expect(missed({ dumpSeconds: 300.1 })).toEqual(['dumpSeconds']);
  expect(missed({ restoreAndVerifySeconds: 900.1 })).toEqual(['restoreAndVerifySeconds']);
  expect(missed({ peakRssMb: 256.1 })).toEqual(['peakRssMb']);
  expect(missed({ resealPerSecond: 1_999 })).toEqual(['resealPerSecond']);
  expect(missed({ meanwhile: { ...meanwhile, reseal: latencies({ p50Ms: 4.501 }) } })).toEqual(['p50Ratio']);
  expect(missed({ meanwhile: { ...meanwhile, dump: latencies({ p99Ms: 40.001 }) } })).toEqual(['p99Ratio']);
  expect(printed(backupLines({ ...figures, peakRssMb: 300 }), null)).toMatch(/^peakRssMb +300 +<= 256 +MISSED$/m);
});

test('one request that was not answered is a missed bar, whatever it fell into', () => {
  expect(missed({ before: latencies({ errors: 1 }) })).toEqual(['errors']);
  expect(missed({ meanwhile: { ...figures.meanwhile, dump: latencies({ errors: 1 }) } })).toEqual(['errors']);
});
