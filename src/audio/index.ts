/**
 * Sound as samples: reading any common file (decided by content), writing WAV and FLAC, resampling, the log-mel
 * features that the audio encoder takes, and pictures of spectra. Everything but file access and the ffmpeg fallback
 * also runs in a browser.
 */
export { type ComplexFft, complexFft, type RealFft, realFft } from './fft.js';
export { encodeFlac, writeFlac } from './formats/flac-write.js';
export { type LogMel, type LogMelOptions, logMel, MODEL_RATE } from './logmel.js';
export { hzToMel, type MelBank, melBank, melToHz } from './mel.js';
export { readWavMetadata } from './metadata.js';
export { type SpectrogramOptions, spectrogramPng } from './picture/spectrogram.js';
export { type Probe, probeAudio, type RandomBytes } from './probe.js';
export { downmix, loadMono16k, readAudio, type StreamOptions, streamMono16k } from './read.js';
export { Resampler, resample } from './resample.js';
export type { AudioData, MonoAudio, ReadOptions } from './types.js';
export { type BitDepth, encodeWav, type WavOptions, wavHeader, wavSamples, writeWav } from './write.js';
