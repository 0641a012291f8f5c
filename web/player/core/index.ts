export { AudioPlayer, type PlayerOptions } from "./audio-player.ts";
export { Floor, pageFloor } from "./floor.ts";
export { problemFrom, problemOf } from "./problem.ts";
export { Scope } from "./scope.ts";
export { Store } from "./store.ts";
export type * from "./types.ts";
export type { Sign } from "./urls.ts";
