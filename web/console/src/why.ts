import { problemFrom, type Run } from "@onetake/player";
import { causeText, type Lang } from "@onetake/player/react";
import { messagesOf } from "./i18n.ts";

/**
 * Why a run waits or has failed: in words, and the server's own words for it. A run that waits says what for; the
 * cause is that of its last attempt. Of one that has completed there is nothing to tell.
 */
export function whyOf(run: Run, lang: Lang): { reason: string; cause: string } {
  const { reasons } = messagesOf(lang);
  const cause = run.error && run.status !== "completed" ? problemFrom(run).detail : "";
  const reason = run.reason && run.status === "queued" ? run.reason : "";
  const waits = reason && (Object.hasOwn(reasons, reason) ? reasons[reason as keyof typeof reasons] : reason);
  return { reason: waits || causeText(cause, lang) || "", cause };
}
