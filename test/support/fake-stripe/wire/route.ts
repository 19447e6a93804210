// One operation of Stripe's API, named as in its OpenAPI document, and the parameters that the fake gives an effect to. A parameter
// that Stripe knows and that is not named here is refused as not served (D32).
import type { World } from '../world.ts';

export interface Route {
  readonly operation: string;
  readonly serves: readonly string[];
  readonly answer: (world: World, params: never, id: string) => object;
}

export function route<P extends object>(
  operation: string,
  serves: readonly (keyof P & string)[],
  answer: (world: World, params: P, id: string) => object,
): Route {
  return { operation, serves, answer };
}
