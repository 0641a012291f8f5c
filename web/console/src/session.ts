import { createContext, useContext } from "react";

/**
 * Whether this browser is signed in. The cookie is HttpOnly, so what is known here is: an answer was 401 (the form is
 * shown), or a key was accepted (then there is something to sign out from; the demo's own cookie is not such a thing).
 */
export interface Session {
  asked: boolean;
  signedIn: boolean;
  ask(): void;
  enter(): void;
  leave(): void;
}

const KEY = "onetake.signed-in";

export const rememberedSession = () => localStorage.getItem(KEY) === "1";

export function rememberSession(signedIn: boolean) {
  if (signedIn) localStorage.setItem(KEY, "1");
  else localStorage.removeItem(KEY);
}

export const SessionContext = createContext<Session>({
  asked: false,
  signedIn: false,
  ask: () => {},
  enter: () => {},
  leave: () => {},
});

export const useSession = () => useContext(SessionContext);
