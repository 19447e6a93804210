// Everything is sealed under another master key, with what does not open left as it is; the one before is destroyed, and a third never comes into use.
import { MasterKeyRotations, startRotation } from '../../../services/master-keys/rotations.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import type { ManagementApp } from './management-app.ts';
import type { TakeStep } from './take-step.ts';

export async function oneMasterKey(app: ManagementApp, step: TakeStep): Promise<void> {
  const rotations = new MasterKeyRotations(app.worker, app.vault);
  const reseal = () => rotations.reseal(2, new AbortController().signal);
  const reason = 'once a year';
  const tell = (name: string, version: string) =>
    step('post', `/master-key-rotations/{version}/${name}`, { version }, { reason });

  await step('post', '/master-key-rotations', {}, { version: 2, reason });
  await tell('pause', '2');
  await tell('resume', '2');
  await rotations.tick(2);
  await reseal(); // second factors of whom tests have signed in are no secrets, and do not open
  await tell('retry-now', '2');
  await reseal();
  await tell('dismiss', '2');
  await app.db.query(
    `update auth.second_factors set sealed = '{"v": 2}', master_key_version = 2 where master_key_version = 1`,
  );
  await step('post', '/master-keys/{version}/destroy', { version: '1' }, { reason });
  await inTransaction(app.worker, (tx) => startRotation(tx, app.vault, 3, { actor: 'ada', reason }));
  await tell('cancel', '3');
}
