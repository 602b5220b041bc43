"""TeX as MathML. The expected elements are those that MathML Core names for each construct."""

from itertools import pairwise

import pytest

from studies.typesetting.mathml import mathml


def inside(tex, *, display=False):
    """Return what is within the formula's outermost row."""
    made = mathml(tex, display=display)
    return made and made.split("<mrow>", 1)[1].removesuffix("</mrow></math>")


@pytest.mark.parametrize(
    ("tex", "elements"),
    [
        ("x^2", "<msup><mi>x</mi><mn>2</mn></msup>"),
        (r"\frac{1}{2}", "<mfrac><mrow><mn>1</mn></mrow><mrow><mn>2</mn></mrow></mfrac>"),
        (r"\mathbb{R}", "<mi>ℝ</mi>"),
        (r"\mathcal{LM}", "<mrow><mi>ℒ</mi><mi>ℳ</mi></mrow>"),
        (r"a \sim b", "<mi>a</mi><mo>∼</mo><mi>b</mi>"),
        (r"a \pm b", "<mi>a</mi><mo>±</mo><mi>b</mi>"),
        (r"A \implies B", "<mi>A</mi><mo>⟹</mo><mi>B</mi>"),
        (r"\infty", "<mi>∞</mi>"),
        (r"a \not= b", "<mi>a</mi><mo>≠</mo><mi>b</mi>"),
        (r"\sin x", '<mi>sin</mi><mspace width="0.1667em"></mspace><mi>x</mi>'),
        ("f'", '<mrow><mi>f</mi><mo lspace="0em" rspace="0em">′</mo></mrow>'),
        (r"\overline{a}", '<menclose notation="top"><mrow><mi>a</mi></mrow></menclose>'),
        (r"a\!b", '<mi>a</mi><mspace width="-0.1667em"></mspace><mi>b</mi>'),
        (r"\label{eq}x\nonumber", "<mi>x</mi>"),
        (r"50\%", "<mn>50</mn><mi>%</mi>"),
    ],
)
def test_a_formula_becomes_elements(tex, elements):
    assert inside(tex) == elements


@pytest.mark.parametrize("tex", [r"\lim_{x}", r"\sum_{x}", r"\bigcup_{x}", r"\max_{x}"])
def test_what_belongs_below_an_operator_stands_below_it_where_there_is_room(tex):
    made = mathml(tex, display=True)

    assert "<munder>" in made
    assert 'movablelimits="true"' in made


@pytest.mark.parametrize("name", ["align", "align*", "aligned", "split", "eqnarray", "alignat"])
def test_the_sides_of_equations_are_aligned(name):
    columns = "{1}" if name == "alignat" else ""
    made = mathml(rf"\begin{{{name}}}{columns}a&=b\\c&=d\end{{{name}}}", display=True)

    assert made.count("<mtr>") == 2
    assert made.count('columnalign="right"') == made.count('columnalign="left"') == 2
    assert "(1)" not in made


@pytest.mark.parametrize("tex", [r"a=b\\c=d", r"\begin{gather}a=b\\c=d\end{gather}"])
def test_broken_lines_are_lines(tex):
    assert mathml(tex, display=True).count("<mtr>") == 2


@pytest.mark.parametrize("name", ["matrix", "pmatrix", "bmatrix", "vmatrix", "cases", "dcases"])
def test_matrices_and_cases_have_rows(name):
    assert mathml(rf"\begin{{{name}}}1&2\\3&4\end{{{name}}}", display=True).count("<mtd") == 4


@pytest.mark.parametrize(
    "tex",
    [
        r"\unknown{x}",
        r"\frac{1}",
        "x^2^3",
        "{x",
        "x}",
        "a & b",
        r"\left( x",
        r"\begin{tikzcd}A\end{tikzcd}",
        r"\begin{align}a",
        r"\rule{1em}{1em}",
        r"\colorbox{red}{x}",
        r"\text{a {b} c}",
        r"\newcommand{\a}{x}\a",
        r"\def\a{x}\a",
        "{" * 500 + "x" + "}" * 500,
        r"\sqrt{" * 300 + "x" + "}" * 300,
        "^",
        "\\",
        "",
    ],
)
def test_tex_that_is_not_understood_for_certain_is_left_alone(tex):
    assert mathml(tex, display=False) is None


def test_definitions_that_multiply_are_not_carried_out():
    bomb = "".join("\\def\\" + a + "{" + ("\\" + b) * 10 + "}" for a, b in pairwise("abcdefghij"))

    assert mathml(rf"{bomb}\a", display=False) is None


def test_spaces_and_sizes_out_of_all_measure_are_dropped():
    assert inside(r"a\hspace{999em}b") == "<mi>a</mi><mspace></mspace><mi>b</mi>"


def test_readers_without_mathml_are_told_the_tex():
    made = mathml("a\n<  'b'", display=False)

    assert made.startswith("""<math display="inline" alttext="a &lt; 'b'">""")
