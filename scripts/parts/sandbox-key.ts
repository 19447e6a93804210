// The key of a Stripe sandbox, where somebody has set one. No other key is ever taken: what is asked with it moves money.

/** Null: none is set. @throws Error when it is no key of a sandbox */
export function sandboxKeyIn(env: Readonly<Record<string, string | undefined>>): string | null {
  const { STRIPE_SANDBOX_KEY: secret = '' } = env;
  if (secret === '') return null;
  if (/^(sk|rk)_test_\w+$/.test(secret)) return secret;
  throw new Error('STRIPE_SANDBOX_KEY is no key of a sandbox (sk_test_..., rk_test_...): it is not used.');
}
