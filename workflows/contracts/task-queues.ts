// Where the work of a kind waits for a worker. A queue is listed when something is sent to it.

/** Workflows, and activities that only need PostgreSQL, or a provider now and then. */
export const CORE_QUEUE = 'tollgate-core';
/** Activities that reach Stripe: slower, and no faster than Stripe takes them. */
export const BILLING_QUEUE = 'tollgate-billing';
