"""The least a WebRTC server in Python can do: aiortc decodes the audio it receives and encodes it for sending back."""

from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription

from bench.listener import run

peers: set[RTCPeerConnection] = set()


async def answer(sdp: str) -> dict[str, str]:
    """Answer a call, and send its audio back."""
    peer = RTCPeerConnection()
    peers.add(peer)

    @peer.on("track")
    def on_track(track: MediaStreamTrack) -> None:
        peer.addTrack(track)

    await peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
    await peer.setLocalDescription(await peer.createAnswer())
    return {"sdp": peer.localDescription.sdp, "type": "answer"}


if __name__ == "__main__":
    run(answer)
