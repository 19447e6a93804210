// A gateway in a process of its own that takes concurrent requests of one scope and never ends them, to be killed by a test.
import { RateLimiter } from '../../../services/limits/rate-limiter.ts';
import { WindowExchange } from '../../../services/limits/window-exchange.ts';
import { createLog } from '../../../services/platform/log.ts';
import { createRedis } from '../../../services/platform/redis.ts';

const [url = '', scopeId = '', slots = '0'] = process.argv.slice(2);
const redis = createRedis(url, 'slot holder', createLog({ name: 'slot holder', level: 'silent' }));
const exchange = new WindowExchange(redis, 'slot-holder');
const limiter = new RateLimiter(exchange);
const scope = { id: scopeId, requestsPerMinute: null, tokensPerMinute: null, concurrentRequests: Number(slots) };

process.stdin.resume(); // the exchange alone keeps no process alive
while (!redis.isUp()) await exchange.exchanged();
for (let taken = 0; taken < Number(slots); taken += 1) limiter.admit([scope], 0, Date.now());
await exchange.exchanged();
process.stdout.write('holding\n');
