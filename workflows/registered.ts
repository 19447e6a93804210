// What a worker can run, and all that its bundle is made of: a process that is not named here does not exist.
import { reconciliation, reconciliationTick } from './reconciliation.ts';

export { reconciliation, reconciliationTick };
