import type { PlayerState } from "../core/index.ts";

export type Lang = "en" | "he";

interface Messages {
  play(what: string): string;
  pause(what: string): string;
  tryAgain: string;
  stopWaiting: string;
  seek: string;
  arrived: string;
  percent(n: number): string;
  back: string;
  forward: string;
  speed(rate: string): string;
  volume: string;
  volumeIs(percent: string): string;
  muted: string;
  mute: string;
  unmute: string;
  of(position: string, duration: string): string;
  units: { h: (n: number) => string; m: (n: number) => string; s: (n: number) => string };
  connecting: string;
  fetching: string;
  queued: string;
  notReady: string;
  throttled: string;
  retrying(attempt: number | null): string;
  arriving: string;
  buffering: string;
  lost: string;
  coolingDown(time: string): string;
  technical: string;
}

const count = (one: string, many: string) => (n: number) => (n === 1 ? one : many.replace("#", String(n)));

/** Beginnings and wording of `play`, `pause` and `tryAgain` are part of the contract. */
export const messages: Record<Lang, Messages> = {
  en: {
    play: (what) => `Play ${what}`,
    pause: (what) => `Pause ${what}`,
    tryAgain: "Try again",
    stopWaiting: "Stop waiting",
    seek: "Position in the call",
    arrived: "Fetched so far",
    percent: (n) => `${n} %`,
    back: "Back 10 seconds",
    forward: "Forward 10 seconds",
    speed: (rate) => `Speed ${rate}×`,
    volume: "Volume",
    volumeIs: (percent) => `Volume ${percent}`,
    muted: "Volume, muted",
    mute: "Mute",
    unmute: "Unmute",
    of: (position, duration) => `${position} of ${duration}`,
    units: {
      h: count("1 hour", "# hours"),
      m: count("1 minute", "# minutes"),
      s: count("1 second", "# seconds"),
    },
    connecting: "Connecting…",
    fetching: "Fetching",
    queued: "Waiting in the queue",
    notReady: "Not ready at the provider yet",
    throttled: "The provider is limiting requests, waiting",
    retrying: (attempt) => (attempt ? `Fetching again, attempt ${attempt}` : "Fetching again"),
    arriving: "This part has not arrived yet",
    buffering: "Loading…",
    lost: "Connection lost, trying again",
    coolingDown: (time) => `Play fetches it again from ${time} on. Try again does so now.`,
    technical: "Technical details",
  },
  he: {
    play: (what) => `נגן ${what}`,
    pause: (what) => `השהה ${what}`,
    tryAgain: "נסה שוב",
    stopWaiting: "הפסקת ההמתנה",
    seek: "מיקום בשיחה",
    arrived: "הגיע עד כה",
    percent: (n) => `${n}%`,
    back: "10 שניות אחורה",
    forward: "10 שניות קדימה",
    speed: (rate) => `מהירות ${rate}×`,
    volume: "עוצמת קול",
    volumeIs: (percent) => `עוצמת קול ${percent}`,
    muted: "עוצמת קול, מושתק",
    mute: "השתק",
    unmute: "בטל השתקה",
    of: (position, duration) => `${position} מתוך ${duration}`,
    units: {
      h: count("שעה אחת", "# שעות"),
      m: count("דקה אחת", "# דקות"),
      s: count("שנייה אחת", "# שניות"),
    },
    connecting: "מתחבר…",
    fetching: "מוריד",
    queued: "ממתין בתור",
    notReady: "ההקלטה עוד לא מוכנה אצל הספק",
    throttled: "הספק מגביל את קצב הבקשות, ממתין",
    retrying: (attempt) => (attempt ? `מוריד שוב, ניסיון ${attempt}` : "מוריד שוב"),
    arriving: "החלק הזה עוד לא הגיע",
    buffering: "טוען…",
    lost: "החיבור לשרת אבד, מנסה שוב",
    coolingDown: (time) => `לחיצה על ״נגן״ תוריד אותה שוב החל מ־${time}. ״נסה שוב״ עושה זאת עכשיו.`,
    technical: "פרטים טכניים",
  },
};

/** What is going on, in words; `percent` stands beside it where there is one, and is not read out at every step. */
export function statusOf(state: PlayerState, lang: Lang): { text: string; percent: number | null } {
  const t = messages[lang];
  const { phase, fetching, arrived, stalled, position, duration, lost } = state;
  const none = { text: "", percent: null };
  const beyond = stalled && arrived !== null && arrived < 1 && duration !== null && position / duration > arrived;
  if (phase === "idle" || phase === "failed") return none;
  if (lost) return { text: t.lost, percent: null };
  if (beyond) return { text: t.arriving, percent: percentOf(arrived) };
  if (fetching?.reason === "not_ready") return { text: t.notReady, percent: null };
  if (fetching?.reason === "throttled") return { text: t.throttled, percent: null };
  if (fetching?.reason === "retrying") return { text: t.retrying(fetching.attempt), percent: percentOf(arrived) };
  if (fetching?.status === "queued") return { text: t.queued, percent: null };
  if (fetching) return { text: t.fetching, percent: percentOf(arrived) };
  if (phase === "starting" || phase === "waiting") return { text: t.connecting, percent: null };
  return stalled ? { text: t.buffering, percent: null } : none;
}

const percentOf = (share: number | null) => (share === null ? null : Math.floor(share * 100));
