"""Binomial intervals and tests against R 4.2.2 and Newcombe (1998), Table I."""

import pytest

from studies.analysis.naive import clopper_pearson, naive, sign_test, wilson

# D01: successes, trials, Wilson, Clopper-Pearson, two-sided p against 1/2.
PUBLISHED = [
    (81, 263, (0.255288519878, 0.366209576983), (0.252736745585, 0.367621922601), 4.30136662503e-10),
    (15, 148, (0.0623863995307, 0.160487241723), (0.0578440100834, 0.161650490349), None),
    (0, 20, (0, 0.161125158053), (0, 0.168433470983), 1.90734863281e-06),
    (1, 29, (0.00611321429276, 0.171755218793), (0.00087264688358, 0.177644295489), None),
    (75, 100, (0.656955364519, 0.824547886377), (0.653447504241, 0.831220261901), 5.63628203421e-07),
    (77, 102, (0.663182417363, 0.828118445072), (0.659797901682, 0.834678601454), 2.4519113386e-07),
    (52, 100, (0.423165777652, 0.615354482419), (0.417789765406, 0.620994519822), 0.764353434403),
    (458, 611, (0.713750413374, 0.78231242628), (0.713262988291, 0.783486114588), 2.84945779781e-36),
]


@pytest.mark.parametrize(("successes", "trials", "score", "exact", "p_value"), PUBLISHED)
def test_published_binomial_cases(successes, trials, score, exact, p_value):
    assert wilson(successes, trials) == pytest.approx(score, abs=1e-8)
    assert clopper_pearson(successes, trials) == pytest.approx(exact, abs=1e-8)
    if p_value is not None:
        assert sign_test(successes, trials - successes) == pytest.approx(p_value, rel=1e-9)


# D03: wins, losses, p of the sign test, ties left out (R binom.test).
@pytest.mark.parametrize(
    ("wins", "losses", "p_value"),
    [(60, 15, 1.587799075e-07), (10, 3, 0.09228515625), (43, 41, 0.9132023622), (7, 7, 1.0)],
)
def test_published_sign_tests(wins, losses, p_value):
    assert sign_test(wins, losses) == pytest.approx(p_value, rel=1e-8)


def test_all_successes_end_at_one_exactly():
    assert (wilson(20, 20)[1], clopper_pearson(20, 20)[1]) == (1.0, 1.0)


def test_without_decided_judgments_there_is_nothing_to_say():
    result = naive(0, 0, alpha=0.05)

    assert (result.wilson_low, result.clopper_pearson_high, result.sign_test_p) == (None, None, None)
