"""Events as versions before the migration 0007 wrote them: kind, fields, and the event that they are now."""

from typing import Any

from core.events import (
    AlternativeTranscribed,
    CallEnded,
    CallerConnected,
    ConnectionDialed,
    ConnectionGivenUp,
    ConnectionLost,
    ConnectionOpened,
    ConnectionStateChanged,
    ContextLost,
    EchoDetected,
    Event,
    GapFound,
    GapRepaired,
    ModelLate,
    TranscriptCheckpointed,
    TranscriptMeasured,
    TurnSentAsText,
    as_record,
)

COOL = "Größe \N{SMILING FACE WITH SUNGLASSES}"

FORMER: list[tuple[str, dict[str, Any], Event]] = [
    ("CallerConnected", {"at": 0.0, "door": "webrtc"}, CallerConnected(0.0, "webrtc")),
    ("LinkDialed", {"at": 0.5, "attempt": 1, "resumed": False}, ConnectionDialed(0.5, 1, False)),
    ("LinkOpened", {"at": 1.0, "took": 0.5, "service_session": "s", "gap": 0.0}, ConnectionOpened(1.0, 0.5, "s")),
    ("LinkChanged", {"at": 1.0, "state": "live", "why": "opened"}, ConnectionStateChanged(1.0, "live", "opened")),
    ("EchoHeard", {"at": 2.0, "delay": 0.2, "likeness": 0.9}, EchoDetected(2.0, 0.2, 0.9)),
    (
        "WordsKept",
        {
            "at": 3.0,
            "speaker": "caller",
            "text": "Größe \N{SMILING FACE WITH SUNGLASSES}",
            "started": 2.0,
            "ended": 3e-7,
        },
        TranscriptCheckpointed(3.0, "caller", COOL, 2.0, 3e-7),
    ),
    (
        "LinkLost",
        {"at": 4.0, "code": 1011, "reason": "x", "verdict": "resume"},
        ConnectionLost(4.0, 1011, "x", "resume"),
    ),
    (
        "LinkLost",
        {"at": 4.5, "code": 1007, "reason": "fresh", "verdict": "fresh"},
        ConnectionLost(4.5, 1007, "fresh", "new session"),
    ),
    ("TurnTold", {"at": 5.0, "first": 1, "last": 9}, TurnSentAsText(5.0, 1, 9)),
    ("ModelLate", {"at": 6.0, "done": "nudge"}, ModelLate(6.0, "nudge")),
    ("ModelLate", {"at": 7.0, "done": "say again"}, ModelLate(7.0, "repeat")),
    ("ContextLost", {"at": 8.0, "done": "reseed"}, ContextLost(8.0, "reseed")),
    (
        "HeardOtherwise",
        {"at": 9.0, "started": 1.0, "ended": 2.0, "text": "sea", "source": "shadow"},
        AlternativeTranscribed(9.0, 1.0, 2.0, "sea", "shadow"),
    ),
    ("HoleFound", {"at": 10.0, "started": 1.0, "ended": 2.0, "words": 0}, GapFound(10.0, 1.0, 2.0, 0)),
    ("HoleRepaired", {"at": 11.0, "started": 1.0, "ended": 2.0, "text": "sea"}, GapRepaired(11.0, 1.0, 2.0, "sea")),
    (
        "TranscriptMeasured",
        {"at": 12.0, "completeness": 0.75, "voiced": 12.0, "holes": 2, "repaired": 1},
        TranscriptMeasured(12.0, 0.75, 12.0, 2, 1),
    ),
    ("LinkGaveUp", {"at": 13.0, "why": "link given up"}, ConnectionGivenUp(13.0, "link given up")),
    (
        "CallEnded",
        {"at": 14.0, "why": "link given up", "detail": "link given up"},
        CallEnded(14.0, "connection given up", "link given up"),
    ),
]

# Fields that came later; a former event is read with their defaults and stays without them where it is stored.
NEWER = {"GapFound": ("why",)}


def as_stored(event: Event) -> tuple[str, dict[str, Any]]:
    """Kind and fields under which a former event is stored today."""
    kind, data = as_record(event)
    return kind, {name: value for name, value in data.items() if name not in NEWER.get(kind, ())}
