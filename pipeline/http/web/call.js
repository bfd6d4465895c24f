// One call: microphone, peer connection, and a data channel with RTVI messages, as in Pipecat's own clients.

const RTVI = { label: "rtvi-ai", version: "2.0.0" };
// Milliseconds.
const READY_INTERVAL = 2000;
const PING = 1000;
const CONNECT_WITHIN = 20000;

/** An error whose message is a sentence for the candidate. */
export class CallError extends Error {}

const MICROPHONE = {
  NotAllowedError: "The microphone is blocked: allow it for this page in your browser’s address bar, then start again.",
  NotFoundError: "No microphone was found: connect one, then start again.",
  NotReadableError: "Another program is using the microphone: close it, then start again.",
};

export async function askMicrophone() {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new CallError("Browsers give the microphone to secure pages only: open this page over HTTPS, or as http://localhost.");
  }
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
  } catch (error) {
    throw new CallError(MICROPHONE[error.name] ?? `The microphone could not be opened (${error.name}): check it, then start again.`);
  }
}

export async function ask(path, { method = "GET", token, body } = {}) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: {
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...(body ? { "Content-Type": "application/json" } : {}),
      },
      body: body && JSON.stringify(body),
    });
  } catch {
    throw new CallError("The server cannot be reached: check your connection, then try again.");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw Object.assign(new CallError(answer.error ?? `The server answered ${response.status}; try again.`), { status: response.status });
  }
  return answer;
}

export class Call extends EventTarget {
  #pc;
  #channel;
  #token;
  #peer = null;
  #timers = new Set();
  #offered = false;
  #late = []; // candidates found after the offer was sent
  #ready = false;
  #closed = false;

  constructor(stream, { token, iceServers }) {
    super();
    this.stream = stream;
    this.#token = token;
    this.#pc = new RTCPeerConnection({ iceServers: iceServers.map((urls) => ({ urls })) });
  }

  async connect() {
    const pc = this.#pc;
    pc.addEventListener("track", (event) => this.#emit("voice", event.streams[0] ?? new MediaStream([event.track])));
    pc.addEventListener("connectionstatechange", () => this.#emit("connection", pc.connectionState));
    pc.addEventListener("icecandidate", (event) => this.#candidate(event.candidate));
    pc.addTransceiver(this.stream.getAudioTracks()[0], { direction: "sendrecv", streams: [this.stream] });
    this.#channel = pc.createDataChannel("chat", { ordered: true });
    this.#channel.addEventListener("open", () => this.#opened());
    this.#channel.addEventListener("message", (event) => this.#received(event.data));
    this.#channel.addEventListener("close", () => this.#emit("connection", "closed"));

    await pc.setLocalDescription();
    await gathered(pc, 1000);
    const { sdp, type } = pc.localDescription;
    this.#offered = true;
    const answer = await ask("/api/offer", { method: "POST", token: this.#token, body: { sdp, type } });
    if (this.#closed) return;
    await pc.setRemoteDescription({ sdp: answer.sdp, type: answer.type });
    this.#peer = answer.pc_id;
    this.#flushCandidates();
    this.#after(CONNECT_WITHIN, () => {
      if (!this.#ready) this.#emit("connection", "failed");
    });
  }

  /** Ask the server to finish the exam; false when the channel is not open. */
  end() {
    return this.#send("client-message", { t: "end" });
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const track of this.stream.getTracks()) track.stop();
    this.#pc.close();
  }

  #opened() {
    const ping = () => {
      if (this.#channel.readyState === "open") this.#channel.send(`ping: ${Date.now()}`);
      this.#after(PING, ping);
    };
    const ready = () => {
      if (this.#ready) return;
      // A pipeline that is still starting misses this, so it is repeated until bot-ready.
      this.#send("client-ready", { version: RTVI.version, about: { library: "colloquy-page" } });
      this.#after(READY_INTERVAL, ready);
    };
    ping();
    ready();
  }

  #received(text) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    if (message.type === "signalling" && message.message?.type === "peerLeft") this.#emit("connection", "left");
    if (message.label !== RTVI.label) return;
    this.#ready ||= message.type === "bot-ready";
    this.#emit("message", message);
  }

  #send(type, data) {
    if (this.#channel?.readyState !== "open") return false;
    this.#channel.send(JSON.stringify({ label: RTVI.label, id: crypto.randomUUID().slice(0, 8), type, data }));
    return true;
  }

  #candidate(candidate) {
    if (!candidate || !this.#offered) return;
    this.#late.push({ candidate: candidate.candidate, sdp_mid: candidate.sdpMid, sdp_mline_index: candidate.sdpMLineIndex });
    if (this.#peer) this.#flushCandidates();
  }

  #flushCandidates() {
    const candidates = this.#late.splice(0);
    if (!candidates.length || this.#closed) return;
    ask("/api/offer", { method: "PATCH", token: this.#token, body: { pc_id: this.#peer, candidates } }).catch(() => {});
  }

  #after(wait, act) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#closed) act();
    }, wait);
    this.#timers.add(timer);
  }

  #emit(kind, detail) {
    if (!this.#closed) this.dispatchEvent(new CustomEvent(kind, { detail }));
  }
}

function gathered(pc, wait) {
  return new Promise((resolve) => {
    if (pc.iceGatheringState === "complete") return resolve();
    pc.addEventListener("icegatheringstatechange", () => pc.iceGatheringState === "complete" && resolve());
    setTimeout(resolve, wait);
  });
}
