/**
 * What this browser can play, asked once per codec and remembered.
 *
 * Called by live and playback. `?engine=mse` or `?engine=webcodecs` in the address chooses the engine, to measure one against the other.
 */

export type EngineName = 'webcodecs' | 'mse';

export const hasWebCodecs = (): boolean => typeof VideoDecoder === 'function' && typeof EncodedVideoChunk === 'function';
export const hasMse = (): boolean => typeof MediaSource === 'function';

const decodable = new Map<string, Promise<boolean>>();

export function webCodecsPlays(codec: string): Promise<boolean> {
  let answer = decodable.get(codec);
  if (!answer) {
    answer = hasWebCodecs()
      ? VideoDecoder.isConfigSupported({ codec })
          .then((support) => support.supported === true)
          .catch(() => false)
      : Promise.resolve(false);
    decodable.set(codec, answer);
  }
  return answer;
}

export const msePlays = (codec: string): boolean => hasMse() && MediaSource.isTypeSupported(`video/mp4; codecs="${codec}"`);

/** The engine to begin with: what the address asks for, else WebCodecs (half the time to the first picture), else MSE. */
export function preferredEngine(search: string): EngineName {
  const asked = new URLSearchParams(search).get('engine');
  if (asked === 'mse' && hasMse()) return 'mse';
  return hasWebCodecs() ? 'webcodecs' : 'mse';
}
