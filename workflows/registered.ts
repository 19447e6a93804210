// What a worker can run, and all that its bundle is made of: a process that is not named here does not exist.
import { apiKeyRotation } from './api-key-rotation.ts';
import { autoTopUp } from './auto-top-up.ts';
import { backup, backupTick } from './backup.ts';
import { channelKeyRotation, channelKeyRotationTick } from './channel-key-rotation.ts';
import { dunning } from './dunning.ts';
import { masterKeyRotation } from './master-key-rotation.ts';
import { enterpriseOnboarding } from './onboarding.ts';
import { reconciliation, reconciliationTick } from './reconciliation.ts';
import { refusedRefund } from './refused-refund.ts';
import { restoreCheck } from './restore-check.ts';
import { subscription } from './subscription.ts';

export {
  apiKeyRotation,
  autoTopUp,
  backup,
  backupTick,
  channelKeyRotation,
  channelKeyRotationTick,
  dunning,
  enterpriseOnboarding,
  masterKeyRotation,
  reconciliation,
  reconciliationTick,
  refusedRefund,
  restoreCheck,
  subscription,
};
