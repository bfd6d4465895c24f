import inspect

import aioice.ice

import transports.webrtc


def test_a_busy_machine_ends_no_call_of_a_caller_who_is_there() -> None:
    assert transports.webrtc.__doc__ and aioice.ice.CONSENT_FAILURES * aioice.ice.CONSENT_INTERVAL == 60
    assert "failures >= CONSENT_FAILURES" in inspect.getsource(aioice.ice.Connection.query_consent), (
        "read at each check"
    )
