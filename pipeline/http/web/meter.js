// How loud the microphone is, as a bar and a number.

const SILENT_AFTER = 8000; // milliseconds
const MINIMUM = -60; // dB, an empty bar

export class Meter {
  #context = new AudioContext();
  #analyser = this.#context.createAnalyser();
  #samples = new Float32Array(this.#analyser.fftSize);
  #timer;
  #lastSound = performance.now();

  constructor(stream, bar) {
    this.#context.createMediaStreamSource(stream).connect(this.#analyser);
    this.#context.resume();
    this.#timer = setInterval(() => this.#draw(bar), 100);
  }

  /** Whether there was no sound for SILENT_AFTER milliseconds. */
  silent() {
    return performance.now() - this.#lastSound > SILENT_AFTER;
  }

  stop() {
    clearInterval(this.#timer);
    this.#context.close();
  }

  #draw(bar) {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const power = this.#samples.reduce((sum, x) => sum + x * x, 0) / this.#samples.length;
    const level = Math.max(0, Math.min(1, 1 - (10 * Math.log10(power + 1e-12)) / MINIMUM));
    if (level > 0.15) this.#lastSound = performance.now();
    bar.style.setProperty("--level", level.toFixed(3));
    bar.setAttribute("aria-valuenow", String(Math.round(level * 100)));
  }
}
