// Sound for the mock: something with the rise and fall of speech, left and right in turns. 8 kHz, 16 bit, stereo.
// @ts-check

const RATE = 8000;
export const BYTES_PER_SECOND = RATE * 4;

/** @param {number} seconds */
export function wav(seconds) {
  const frames = Math.round(seconds * RATE);
  const file = Buffer.alloc(44 + frames * 4);
  file.write("RIFF", 0);
  file.writeUInt32LE(file.length - 8, 4);
  file.write("WAVEfmt ", 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(2, 22);
  file.writeUInt32LE(RATE, 24);
  file.writeUInt32LE(BYTES_PER_SECOND, 28);
  file.writeUInt16LE(4, 32);
  file.writeUInt16LE(16, 34);
  file.write("data", 36);
  file.writeUInt32LE(frames * 4, 40);
  for (let i = 0; i < frames; i++) {
    const time = i / RATE;
    const left = Math.floor(time / 2) % 2 === 0;
    const pitch = (left ? 140 : 210) * (1 + 0.08 * Math.sin(time * 3));
    const loudness = 6000 * Math.max(0, Math.sin(time * 9)) * Math.max(0, Math.sin(time * 2.1 + 1));
    const sample = Math.round(loudness * Math.sin(2 * Math.PI * pitch * time));
    file.writeInt16LE(left ? sample : 0, 44 + i * 4);
    file.writeInt16LE(left ? 0 : sample, 46 + i * 4);
  }
  return file;
}
