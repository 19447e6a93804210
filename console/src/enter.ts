// The way in. A new page, so that nothing is left in it of whoever was signed in here before.

/** path: below /console */
export function enter(path: string): void {
  location.assign(import.meta.env.BASE_URL.replace(/\/$/, '') + path);
}
