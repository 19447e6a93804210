// Where somebody goes on when he is back from his provider: kept in this tab, since what the provider is told is no place for it.
import { ownPath } from './own-path.ts';

const REMEMBERED = 'tollgate-after-sign-on';

export function goToProvider(url: string, next: string): void {
  sessionStorage.setItem(REMEMBERED, next);
  location.assign(url);
}

/** Below /console. */
export function pathAfterProvider(): string {
  return ownPath(sessionStorage.getItem(REMEMBERED));
}
