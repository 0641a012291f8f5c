/** The lines that operators and tests look for, at debug level. Their wording is part of the contract. */
export const log = {
  streaming: (callSid: string) => console.debug(`[AudioPlayer] Streaming from ${callSid}`),
  skipped: () => console.debug("[AudioPlayer] Check already in progress, skipping..."),
  aborted: () => console.debug("[AudioPlayer] Request aborted"),
};
