// A gateway in a process of its own that takes concurrent requests of one scope and never ends them, to be killed by a test.
import { RateLimiter } from '../../../services/limits/rate-limiter.ts';
import { WindowExchange } from '../../../services/limits/window-exchange.ts';
import { createLog } from '../../../services/platform/log.ts';
import { createRedis } from '../../../services/platform/redis.ts';

const [url = '', scopeId = '', slots = '0'] = process.argv.slice(2);
const redis = createRedis(url, 'slot holder', createLog({ name: 'slot holder', level: 'silent' }));
const limiter = new RateLimiter(new WindowExchange(redis, 'slot-holder'));
const scope = { id: scopeId, requestsPerMinute: null, tokensPerMinute: null, concurrentRequests: Number(slots) };

// The exchange keeps no process alive; this does, until the test that holds the other end is gone.
process.stdin.once('end', () => process.exit()).resume();
for (let taken = 0; taken < Number(slots); taken += 1) limiter.admit([scope], 0, Date.now());
