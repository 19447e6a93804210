// The mail address that a visitor has entered so far: it goes along to the next page that asks for one, also what he enters while that page is still
// on its way to him. It is kept by the program alone: whoever reloads the page, or signs in, leaves none behind (D121).
import { useEffect } from 'react';

let entered = '';

/** Empty: none yet. */
export function visitorAddress(): string {
  return entered;
}

export function useVisitorAddress(email: string): void {
  useEffect(() => {
    entered = email;
  }, [email]);
}
