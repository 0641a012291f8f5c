import { type Lang, messages } from "./messages.ts";

/** 83 → "1:23", 3723 → "1:02:03"; hours show as soon as `longest` has them, so that columns keep their width. */
export function clock(seconds: number, longest: number = seconds): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = String(s).padStart(2, "0");
  return longest >= 3600 ? `${h}:${String(m).padStart(2, "0")}:${tail}` : `${Math.floor(whole / 60)}:${tail}`;
}

/** 83 → "1 minute 23 seconds": for those who hear it. */
export function spoken(seconds: number, lang: Lang): string {
  const { units } = messages[lang];
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const parts = [h > 0 && units.h(h), m > 0 && units.m(m), (s > 0 || whole === 0) && units.s(s)];
  return parts.filter(Boolean).join(" ");
}

/** 1795439142000 → "2:05:42 PM". */
export const timeOfDay = (at: number, lang: Lang): string =>
  new Intl.DateTimeFormat(lang, { timeStyle: "medium" }).format(at);
