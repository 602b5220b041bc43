"""Signatures, against the example that the Standard Webhooks specification prints."""

from studies.sending.signing import signature


def test_the_published_example_comes_out():
    # Oracle: the Standard Webhooks convention; its libraries in all languages have this case in their tests.
    made = signature(
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        key="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body='{"test": 2432232314}',
    )

    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_another_time_id_or_body_is_another_signature():
    fixed = {"secret": "whsec_c2VjcmV0", "key": "one", "timestamp": 1, "body": "{}"}

    made = {
        signature(**(fixed | change)) for change in ({}, {"key": "two"}, {"timestamp": 2}, {"body": "[]"})
    }

    assert len(made) == 4
