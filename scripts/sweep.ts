// Ends, in order, what a killed launcher has left in TOLLGATE_HOME. Started by its guardian (parts/guardian.ts).
// A launcher that runs again by then sweeps itself: both are kept apart by the lock of the folder.
import { homeFolder, occupy } from './parts/home.ts';
import { stopLeftovers } from './parts/leftovers.ts';

const { home } = homeFolder();
const lock = occupy(home, 'sweep');
if (lock !== null) {
  await stopLeftovers(home);
  lock.leave();
}
