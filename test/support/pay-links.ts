// Links of installations that only a test knows.
import { PayLinks } from '../../services/payments/pay-links.ts';

export const LINKS = new PayLinks('http://127.0.0.1', 'of the tests, and long enough for them');
